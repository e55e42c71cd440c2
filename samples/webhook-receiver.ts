// A receiver of Florin's webhooks that are signed with `hmac`. It needs no library. Node.js 24 runs it as it is:
//
//     WEBHOOK_SECRET=whsec_... node samples/webhook-receiver.ts
//
// Older ones run what `tsc` makes of it. It checks each request, handles each event once, however often it is sent, and prints
// a line for it. PORT (8000) is where it listens, WEBHOOK_DATABASE (webhooks.ids) the file with the ids that it has handled.
import { createHmac, timingSafeEqual } from "node:crypto";
import { closeSync, fsyncSync, openSync, readFileSync, writeSync } from "node:fs";
import { createServer, type IncomingMessage } from "node:http";

const TOLERANCE_S = 5 * 60;
const BODY_MAX_BYTES = 1024 * 1024;

interface Event {
  id: string;
  type: string;
}

/** A request that is not a delivery of ours, with the status that says so. */
class Refused extends Error {
  readonly status: number;

  constructor(status: number, why: string) {
    super(why);
    this.status = status;
  }
}

/** Compared in the same time wherever the first difference is: else the time would tell how much of a guess was right. */
function isSame(left: Buffer, right: Buffer): boolean {
  return left.length === right.length && timingSafeEqual(left, right);
}

function header(request: IncomingMessage, name: string): string {
  const value = request.headers[`webhook-${name}`];
  if (typeof value !== "string" || value === "") throw new Refused(400, "a webhook header is missing");
  return value;
}

/** The event's id. `body` must be the bytes as they came: the same JSON written anew has another signature. */
function verify(key: Buffer, request: IncomingMessage, body: Buffer, nowS: number): string {
  const id = header(request, "id");
  const timestamp = header(request, "timestamp");
  const mac = createHmac("sha256", key).update(`${id}.${timestamp}.`).update(body).digest("base64");
  const expected = Buffer.from(`v1,${mac}`);
  // While a secret is rotated there are two signatures, separated by a space.
  const signatures = header(request, "signature").split(" ");
  if (!signatures.some((one) => isSame(expected, Buffer.from(one)))) throw new Refused(401, "the signature is wrong");
  // A correct signature proves that the bank wrote the time: an old request that was recorded is not sent again for ever.
  if (!(Math.abs(nowS - Number(timestamp)) <= TOLERANCE_S)) {
    throw new Refused(401, "the timestamp is more than five minutes away");
  }
  return id;
}

/**
 * The ids of the events that were handled, a line each. A replay sends old events again: keep an id for as long as you may ask
 * for one. A crash between handling and noting handles the event once more: where that matters, write both in one transaction
 * of a database, as the receiver in Python does.
 */
class Handled {
  private readonly file: number;
  private readonly ids: Set<string>;

  constructor(path: string) {
    this.file = openSync(path, "a+");
    const text = readFileSync(path, "utf8");
    this.ids = new Set(text.split("\n"));
    // A line that a crash has cut off is no id, and must not become the beginning of the next one.
    if (text !== "" && !text.endsWith("\n")) writeSync(this.file, "\n");
    process.once("exit", () => closeSync(this.file));
  }

  /** Calls `handle`, unless the event was handled before. If it fails, the event counts as not handled. */
  once(eventId: string, handle: () => void): boolean {
    if (this.ids.has(eventId)) return false;
    // Without an `await` in between, so that two requests with one id cannot both get here.
    handle();
    writeSync(this.file, `${eventId}\n`);
    fsyncSync(this.file);
    this.ids.add(eventId);
    return true;
  }
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of request) {
    length += part.length;
    if (length > BODY_MAX_BYTES) throw new Refused(413, "the body is too large");
    parts.push(part);
  }
  return Buffer.concat(parts);
}

/** What your program does. */
function handle(event: Event): void {
  console.log(event.type, event.id);
}

/** The status of the answer. */
async function receive(key: Buffer, handled: Handled, request: IncomingMessage): Promise<number> {
  try {
    if (request.method !== "POST") throw new Refused(405, "not a POST");
    const body = await readBody(request);
    const id = verify(key, request, body, Date.now() / 1000);
    const event = JSON.parse(body.toString("utf8")) as Event;
    if (!handled.once(id, () => handle(event))) console.error("handled before:", id);
    return 204;
  } catch (fault) {
    if (fault instanceof Refused) {
      console.error("refused:", fault.message);
      return fault.status;
    }
    // Not answered with 2xx: the bank sends the event again.
    console.error("failed:", fault);
    return 500;
  }
}

function main(): void {
  const secret = process.env["WEBHOOK_SECRET"] ?? "";
  if (!secret.startsWith("whsec_")) {
    console.error("WEBHOOK_SECRET must be the whsec_... that the bank showed when the webhook was made");
    process.exit(1);
  }
  const key = Buffer.from(secret.slice("whsec_".length), "base64");
  const handled = new Handled(process.env["WEBHOOK_DATABASE"] ?? "webhooks.ids");
  const port = Number(process.env["PORT"] ?? "8000");
  const server = createServer((request, response) => {
    void receive(key, handled, request).then((status) => {
      // What was refused may be unread: its bytes must not be taken for the next request.
      if (status !== 204) response.setHeader("connection", "close");
      response.writeHead(status).end();
    });
  });
  server.listen(port, "127.0.0.1", () => console.error(`listening on http://127.0.0.1:${port}`));
}

main();
