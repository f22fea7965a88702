/** The ask panel: a question about the text, answered as it is generated. */

import { inWords, isAbort, type Node, NodeError } from "./node";

const CONTEXT_CHARS = 4_000;
const ANSWER_TOKENS = 300;
const SYSTEM = "You answer questions about the code shown. Be short.";

export interface Shown {
  path: string;
  text: string;
  cursor: number;
}

export class Asking {
  private running: AbortController | null = null;

  constructor(
    private readonly node: Node,
    private readonly shown: () => Shown,
    private readonly answer: HTMLElement,
    private readonly say: (text: string) => void,
    private readonly busy: (busy: boolean) => void,
  ) {}

  stop(): void {
    this.running?.abort();
    this.running = null;
    this.busy(false);
  }

  async ask(question: string): Promise<void> {
    this.stop();
    if (!question.trim()) return this.say("Type a question first.");
    if (!this.node.hasKey) return this.say("Type an API key to ask.");
    const controller = (this.running = new AbortController());
    this.answer.textContent = "";
    this.say("");
    this.busy(true);
    const body = {
      model: "auto",
      stream: true,
      max_tokens: ANSWER_TOKENS,
      messages: [
        { role: "system", content: SYSTEM },
        { role: "user", content: `${excerpt(this.shown())}\n\nQuestion: ${question}` },
      ],
    };
    try {
      const response = await this.node.post("/v1/chat/completions", body, controller.signal);
      if (response.body) for await (const piece of pieces(response.body)) this.answer.append(piece);
    } catch (error) {
      if (!isAbort(error)) this.say(inWords(error));
    } finally {
      if (this.running === controller) this.stop();
    }
  }
}

/** The text around the cursor, as much of it as a small model reads quickly. */
function excerpt({ path, text, cursor }: Shown): string {
  const start = Math.max(0, Math.min(cursor - CONTEXT_CHARS / 2, text.length - CONTEXT_CHARS));
  return `${path}:\n${text.slice(start, start + CONTEXT_CHARS)}`;
}

interface Event {
  choices?: { delta?: { content?: string | null } }[];
  error?: { message: string };
}

/** The pieces of text in a stream of server-sent events. */
async function* pieces(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let waiting = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const lines = (waiting + decoder.decode(value, { stream: true })).split("\n");
    waiting = lines.pop() ?? "";
    for (const line of lines) {
      const data = line.startsWith("data: ") ? line.slice("data: ".length).trim() : "";
      if (!data || data === "[DONE]") continue;
      const event = JSON.parse(data) as Event;
      if (event.error) throw new NodeError(event.error.message);
      const content = event.choices?.[0]?.delta?.content;
      if (content) yield content;
    }
  }
}
