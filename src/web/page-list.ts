/** The pages that the program carries. */
export interface WebPage {
  path: string;
  title: string;
  /** Where its script and its styles begin, from the project's folder. */
  script: string;
  styles: string;
}

export const WEB_PAGES: readonly WebPage[] = [
  { path: "/", title: "atelier", script: "src/web/app/main.tsx", styles: "src/web/app/app.css" },
  { path: "/admin", title: "atelier", script: "src/web/admin/main.tsx", styles: "src/web/admin/admin.css" },
];
