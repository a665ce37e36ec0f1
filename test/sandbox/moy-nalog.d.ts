/** What the tests use of the package, which brings no types. */
declare module "moy-nalog" {
  interface AddedIncome {
    id?: string;
    approvedReceiptUuid?: string;
    jsonUrl?: string;
    printUrl?: string;
    data?: Record<string, unknown>;
    error?: Record<string, unknown>;
  }
  export default class NalogAPI {
    constructor(options: { login?: string; password?: string; autologin?: boolean });
    apiUrl: string;
    INN: string;
    token: string;
    tokenExpireIn: string;
    auth(login: string, password: string): Promise<Record<string, unknown>>;
    call(endpoint: string, payload?: object, method?: string): Promise<Record<string, unknown>>;
    addIncome(income: { date?: Date; name: string; quantity?: number; amount: number }): Promise<AddedIncome>;
    userInfo(): Promise<Record<string, unknown>>;
  }
}
