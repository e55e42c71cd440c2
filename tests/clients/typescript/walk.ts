// A new user's first requests to a running bank, with the client that openapi-typescript generated. `tsc --strict` is half
// of the test: the code below uses the document's types.
import { strict as assert } from "node:assert";
import createClient from "openapi-fetch";
import type { components, paths } from "./florin.js";

type Problem = components["schemas"]["Problem"];
type Statistics = components["schemas"]["Statistics"];
type Transfer = components["schemas"]["Transfer"];
type Preview = components["schemas"]["TransferPreview"];

const PASSWORD = "correct horse battery";

function setting(name: string): string {
  const value = process.env[name];
  assert(value, `${name} is set`);
  return value;
}

const bank = (token?: string) =>
  createClient<paths>({
    baseUrl: setting("FLORIN_URL"),
    headers: token === undefined ? {} : { Authorization: `Bearer ${token}` },
  });

type Bank = ReturnType<typeof bank>;

/** The body of an answer that must be a success. */
function body<T>(answer: { data?: T; error?: unknown; response: Response }): T {
  assert(answer.response.ok, `${answer.response.status}: ${JSON.stringify(answer.error)}`);
  assert(answer.data !== undefined, "the answer has a body");
  return answer.data;
}

/** The transfer of an answer that must not be one to a dry run. */
function made(answer: { data?: Transfer | Preview; error?: unknown; response: Response }): Transfer {
  const shown = body(answer);
  assert("id" in shown, "a transfer was made");
  return shown;
}

/** The problem of an answer that must be a refusal. */
function refusal(answer: { error?: Problem; response: Response }, status: Problem["status"], code: Problem["code"]): Problem {
  assert(answer.error !== undefined, `${answer.response.status} is no refusal`);
  assert.deepEqual([answer.response.status, answer.error.status, answer.error.code], [status, status, code]);
  return answer.error;
}

async function signIn(email: string, password: string): Promise<Bank> {
  const token = body(await bank().POST("/v1/auth/login", { body: { email, password } }));
  assert.equal(token.token_type, "Bearer");
  assert(token.expires_in > 0);
  return bank(token.access_token);
}

async function register(name: string) {
  const email = `${name}.typescript@example.com`;
  const customer = { email, password: PASSWORD, full_name: `${name} of TypeScript` };
  const { user, wallet } = body(await bank().POST("/v1/auth/register", { body: customer }));
  assert.deepEqual([user.email, user.role, user.status], [email, "customer", "active"]);
  assert.deepEqual([wallet.user_id, wallet.balance, wallet.status], [user.id, "0.0000", "ACTIVE"]);
  refusal(await bank().POST("/v1/auth/register", { body: customer }), 409, "email_taken");
  return { wallet, bank: await signIn(email, PASSWORD) };
}

interface Page<T> {
  items: T[];
  next_cursor: string | null;
}

/** All items of a list that is read in pages, which must end, and give no item twice. */
async function toTheEnd<T>(
  page: (cursor: { cursor?: string }) => Promise<Page<T>>,
  key: (item: T) => string,
): Promise<T[]> {
  const items: T[] = [];
  let next: string | null = null;
  let pages = 0;
  do {
    const read: Page<T> = await page(next === null ? {} : { cursor: next });
    items.push(...read.items);
    next = read.next_cursor;
    pages += 1;
    assert(pages < 100, "the pages end");
  } while (next !== null);
  assert(pages > 1, "there is more than one page");
  assert.equal(new Set(items.map(key)).size, items.length, "no item comes twice");
  return items;
}

async function deposits(operator: Bank, wallet_id: string): Promise<Transfer> {
  const path = { wallet_id };
  const deposit = made(
    await operator.POST("/v1/wallets/{wallet_id}/deposits", { params: { path }, body: { amount: "100", method: "visa" } }),
  );
  assert.deepEqual([deposit.kind, deposit.status, deposit.amount], ["DEPOSIT", "COMPLETED", "100.0000"]);
  assert.deepEqual([deposit.method, deposit.destination_wallet_id], ["visa", wallet_id]);
  // A field without a value must be null in the answer, and never missing.
  const description: string | null = deposit.description;
  const failure: string | null = deposit.failure_reason;
  assert.deepEqual([description, deposit.metadata, failure], [null, null, null]);
  return deposit;
}

async function transfers(ana: Bank, source_wallet_id: string, destination_wallet_id: string): Promise<Transfer> {
  const lunch = {
    params: { header: { "Idempotency-Key": "lunch-typescript" } },
    body: { source_wallet_id, destination_wallet_id, amount: "12.5", description: "lunch", metadata: { order: "A-17" } },
  };
  const first = await ana.POST("/v1/transfers", lunch);
  const again = await ana.POST("/v1/transfers", lunch);
  const transfer = made(first);
  assert.deepEqual([transfer.kind, transfer.status, transfer.amount], ["TRANSFER", "COMPLETED", "12.5000"]);
  assert.deepEqual([transfer.description, transfer.metadata, transfer.method], ["lunch", { order: "A-17" }, null]);
  assert.notEqual(transfer.completed_at, null);
  assert.deepEqual(made(again), transfer, "one key moves money once");
  assert.equal(again.response.headers.get("Idempotent-Replayed"), "true");
  return transfer;
}

async function isRefused(ana: Bank, source_wallet_id: string, destination_wallet_id: string): Promise<Transfer> {
  const body_ = { source_wallet_id, destination_wallet_id, amount: "87.5001", description: "too much" };
  const problem = refusal(await ana.POST("/v1/transfers", { body: body_ }), 422, "insufficient_funds");
  assert.equal(problem.available, "87.5000");
  assert(problem.transfer_id !== undefined, "the refusal is recorded");
  const path = { transfer_id: problem.transfer_id };
  const failed = body(await ana.GET("/v1/transfers/{transfer_id}", { params: { path } }));
  assert.deepEqual([failed.status, failed.failure_reason, failed.completed_at], ["FAILED", "insufficient_funds", null]);
  return failed;
}

async function lists(ana: Bank, wallet_id: string, known: Transfer[]): Promise<void> {
  body(await ana.POST("/v1/wallets", { body: { currency: "EUR" } }));
  const wallets = await toTheEnd(
    async (cursor) => body(await ana.GET("/v1/wallets", { params: { query: { limit: 1, ...cursor } } })),
    (wallet) => wallet.id,
  );
  assert.deepEqual(wallets.map((wallet) => [wallet.currency, wallet.available]), [["EUR", "0.0000"], ["USD", "87.5000"]]);

  const all = await toTheEnd(
    async (cursor) => body(await ana.GET("/v1/transfers", { params: { query: { wallet_id, limit: 1, ...cursor } } })),
    (transfer) => transfer.id,
  );
  assert.deepEqual(all.map((transfer) => transfer.id), known.map((transfer) => transfer.id).reverse());
  const failed = body(await ana.GET("/v1/transfers", { params: { query: { status: "FAILED", limit: 2 } } }));
  assert.deepEqual([failed.items.length, failed.next_cursor], [1, null]);

  const entries = await toTheEnd(
    async (cursor) => {
      const params = { path: { wallet_id }, query: { limit: 1, ...cursor } };
      return body(await ana.GET("/v1/wallets/{wallet_id}/entries", { params }));
    },
    (entry) => entry.transfer_id,
  );
  const rows = entries.map((entry) => [entry.amount, entry.balance_after, entry.version, entry.description]);
  assert.deepEqual(rows, [["-12.5000", "87.5000", 2, "lunch"], ["100.0000", "100.0000", 1, null]]);
}

/** Reads the stream of server-sent events up to its first event, then hangs up. */
async function firstEvent(operator: Bank): Promise<void> {
  const params = { query: { currency: "USD" } };
  const stream = body(await operator.GET("/statistics/stream", { params, parseAs: "stream" }));
  assert(stream instanceof ReadableStream);
  let text = "";
  for await (const bytes of stream) {
    text += new TextDecoder().decode(bytes);
    if (text.includes("\n\n")) break;
  }
  const event = JSON.parse(text.slice(text.indexOf("data:") + "data:".length, text.indexOf("\n\n"))) as Statistics;
  assert.deepEqual(Object.keys(event), ["sum", "avg", "max", "min", "count"]);
  assert(event.count >= 2 && event.max >= 100);
}

async function otherAnswers(ana: Bank, ben: Bank, operator: Bank, wallet_id: string, deposit: Transfer): Promise<void> {
  const params = { path: { wallet_id } };
  refusal(await ben.GET("/v1/wallets/{wallet_id}", { params }), 404, "wallet_not_found");
  refusal(await bank().GET("/v1/wallets/{wallet_id}", { params }), 401, "unauthenticated");
  refusal(await ana.POST("/v1/wallets/{wallet_id}/freeze", { params, body: {} }), 403, "forbidden");
  refusal(await ana.GET("/v1/wallets", { params: { query: { limit: 501 } } }), 400, "invalid_request");
  const wrong = { email: "ana.typescript@example.com", password: "not this password" };
  refusal(await bank().POST("/v1/auth/login", { body: wrong }), 401, "invalid_credentials");

  const frozen = body(await operator.POST("/v1/wallets/{wallet_id}/freeze", { params, body: {} }));
  const why = { reason: "It was a mistake." };
  const thawed = body(await operator.POST("/v1/wallets/{wallet_id}/unfreeze", { params, body: why }));
  assert.deepEqual([frozen.status, thawed.status], ["FROZEN", "ACTIVE"]);
  const system = { path: { wallet_id: deposit.source_wallet_id } };
  const owner: string | null = body(await operator.GET("/v1/wallets/{wallet_id}", { params: system })).user_id;
  assert.equal(owner, null, "the bank's own wallets have no owner");
  const statistics = body(await operator.GET("/statistics", { params: { query: { currency: "USD" } } }));
  assert(statistics.count >= 2 && statistics.max >= 100);
  await firstEvent(operator);
  assert.equal(body(await bank().GET("/health")).status, "ok");
}

const operator = await signIn(setting("OPERATOR_EMAIL"), setting("OPERATOR_PASSWORD"));
const ana = await register("ana");
const ben = await register("ben");
const deposit = await deposits(operator, ana.wallet.id);
const transfer = await transfers(ana.bank, ana.wallet.id, ben.wallet.id);
const failed = await isRefused(ana.bank, ana.wallet.id, ben.wallet.id);
await lists(ana.bank, ana.wallet.id, [deposit, transfer, failed]);
await otherAnswers(ana.bank, ben.bank, operator, ana.wallet.id, deposit);
console.log("the TypeScript client walked through the bank");
