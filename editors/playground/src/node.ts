/** The page's node: the key goes into a header, and nowhere else. */

export class NodeError extends Error {}

export class Node {
  /** `key` gives what is typed into the page at this moment. */
  constructor(private readonly key: () => string) {}

  get hasKey(): boolean {
    return this.key() !== "";
  }

  /** Post JSON. Aborting `signal` closes the connection, which stops the engine. */
  async post(path: string, body: unknown, signal: AbortSignal): Promise<Response> {
    const response = await fetch(path, {
      method: "POST",
      headers: { authorization: `Bearer ${this.key()}`, "content-type": "application/json" },
      body: JSON.stringify(body),
      signal,
      cache: "no-store",
      credentials: "omit",
      referrerPolicy: "no-referrer",
    });
    if (!response.ok) throw new NodeError(await complaint(response));
    return response;
  }
}

/** Whether a request ended because it was given up here. */
export function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === "AbortError";
}

export function inWords(error: unknown): string {
  if (error instanceof NodeError) return error.message;
  return "The node does not answer.";
}

async function complaint(response: Response): Promise<string> {
  try {
    const { error } = (await response.json()) as { error: { message: string; hint?: string } };
    return error.hint ? `${error.message} (${error.hint})` : error.message;
  } catch {
    return `The node answered ${response.status}.`;
  }
}
