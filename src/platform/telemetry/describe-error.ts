/** An error as the log and rows hold it. */
export interface ErrorDescription {
  name: string;
  message: string;
  stack?: string;
  cause?: ErrorDescription;
}

/** What Postgres says of a value that it cannot take (class 22, data exceptions) quotes that value. */
const POSTGRES_DATA_EXCEPTION = /^22[0-9A-Z]{3}$/;

/**
 * Name, message and stack with those of the causes, and without the values that a statement was given: drizzle writes all
 * of them into its message, and among them are people's names, words and links.
 */
export function describeError(error: Error): ErrorDescription {
  const message = messageWithoutValues(error);
  const stack = message === error.message ? error.stack : framesOf(error);
  return {
    name: error.name,
    message,
    ...(stack === undefined ? {} : { stack }),
    ...(error.cause instanceof Error ? { cause: describeError(error.cause) } : {}),
  };
}

/** Name and message in a form that every database stores; `lengthMax` in characters. */
export function errorText(error: unknown, lengthMax: number): string {
  const text = error instanceof Error ? `${error.name}: ${messageWithoutValues(error)}` : String(error);
  // Postgres keeps no NUL in a text, and the end of a job must be writable whatever its error says.
  return text.slice(0, lengthMax).replaceAll("\0", "");
}

function messageWithoutValues(error: Error): string {
  if ("params" in error && "query" in error) return `failed query: ${error.query}`;
  const code = "code" in error ? String(error.code) : "";
  return POSTGRES_DATA_EXCEPTION.test(code) ? `the database refused a value (${code})` : error.message;
}

/** The stack begins with the message. */
function framesOf(error: Error): string | undefined {
  const start = error.stack?.search(/^ +at /m) ?? -1;
  return start === -1 ? undefined : error.stack?.slice(start);
}
