// A bank of its own for a file of tests: `florin serve` on a new database, people in it, and callers of its API.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { openAsBlob } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const program = process.env.BROWSER_TESTS_PROGRAM;
/** The server of the databases without a database's name; SQLite is used where there is none. */
const postgres = process.env.BROWSER_TESTS_POSTGRES ?? '';
const LOG_SHOWN = 4000;

export const PASSWORD = 'correct horse battery';
/** The other password of those who change theirs. */
export const NEXT_PASSWORD = 'quiet river lantern';

/** Starts a bank with an operator and an admin. `flags` are further ones of `florin serve`. */
export async function startBank({ flags = [] } = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'bank-'));
  const bank = new Bank(folder, await database(basename(folder)), flags);
  bank.operator = await bank.staff('operator', 'Olga Operator');
  bank.admin = await bank.staff('admin', 'Adam Admin');
  await bank.start();
  return bank;
}

/** The flags that lead to a new database. */
async function database(name) {
  if (postgres === '') return [];
  const own = name.replaceAll(/[^a-z0-9]/gi, '_').toLowerCase();
  await run('psql', [`${postgres}/postgres`, '--quiet', '--command', `CREATE DATABASE ${own}`]);
  // The server of a test may lose all when it ends.
  return ['--database-url', `${postgres}/${own}`, '--unsafe-database', 'allow'];
}

class Bank {
  #process = null;
  #log = '';
  #serial = 0;

  constructor(folder, where, flags) {
    this.folder = folder;
    this.where = ['--data-dir', folder, ...where];
    this.flags = flags;
    this.url = null;
  }

  /** Starts to serve; answers when it listens. After a stop it listens at the address of before. */
  async start() {
    const listen = this.url === null ? '127.0.0.1:0' : new URL(this.url).host;
    const serving = spawn(program, ['serve', ...this.where, '--listen', listen, '--log', 'warn', ...this.flags], { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#process = serving;
    serving.stderr.on('data', (data) => { this.#log = (this.#log + data).slice(-LOG_SHOWN); });
    const found = await Promise.race([address(serving), once(serving, 'exit').then(() => null)]);
    assert.ok(found, `the bank does not start:\n${this.#log}`);
    this.url = found;
  }

  /** Ends the process; what is under way is finished. */
  async stop() {
    const ended = this.#process;
    if (ended === null) return;
    this.#process = null;
    ended.kill();
    if (ended.exitCode === null) await once(ended, 'exit');
  }

  async remove() {
    await this.stop();
    await rm(this.folder, { recursive: true, force: true });
  }

  /** What the bank said last, for a failure. */
  get log() {
    return this.#log;
  }

  /** Makes a member of the staff at the terminal. */
  async staff(role, fullName) {
    const email = `${role}@example.com`;
    const made = run(program, ['user', 'create', ...this.where, '--email', email, '--full-name', fullName, '--role', role, '--password-stdin']);
    made.child.stdin.end(`${PASSWORD}\n`);
    await made;
    return { email, fullName, role, password: PASSWORD };
  }

  /** A caller of the API, signed in as this person. */
  async as({ email, password }) {
    const caller = this.stranger();
    const { access_token: token } = await caller.post('/v1/auth/login', { email, password });
    caller.token = token;
    return caller;
  }

  /** A new customer with a wallet and, where an amount is named, money in it: `{email, password, fullName, id, wallet, api}`. */
  async customer(name, { amount = null, currency = 'USD' } = {}) {
    this.#serial += 1;
    const email = `${name.toLowerCase()}.${this.#serial}@example.com`;
    const fullName = `${name} Number${this.#serial}`;
    const { user, wallet } = await this.stranger().post('/v1/auth/register', { email, password: PASSWORD, full_name: fullName, currency }, 201);
    const person = { email, fullName, role: 'customer', password: PASSWORD, id: user.id, wallet: wallet.id, currency };
    person.api = await this.as(person);
    if (amount !== null) await this.deposit(wallet.id, amount);
    return person;
  }

  async deposit(wallet, amount, method = 'visa') {
    const operator = await this.asOperator();
    return operator.post(`/v1/wallets/${wallet}/deposits`, { amount, method }, 201);
  }

  /** A caller who has not signed in, or who has this token or key. */
  stranger(token = null) {
    return new Caller(this.url, token);
  }

  async asOperator() {
    return (this.operatorApi ??= await this.as(this.operator));
  }

  async asAdmin() {
    return (this.adminApi ??= await this.as(this.admin));
  }
}

/** The address in what the program says when it serves. What it says later is read and forgotten: a full pipe would stop it. */
function address(serving) {
  let said = '';
  return new Promise((resolve) => {
    serving.stdout.on('data', (data) => {
      said = (said + data).slice(-LOG_SHOWN);
      const found = /http:\/\/[0-9.]+:[0-9]+/.exec(said);
      if (found !== null) resolve(found[0]);
    });
  });
}

/** Asks the API as a program does; each answer must have the status that is named. */
class Caller {
  constructor(url, token = null) {
    this.url = url;
    this.token = token;
  }

  get = (path, status = 200) => this.#ask('GET', path, undefined, status);
  post = (path, body, status = 200) => this.#ask('POST', path, body, status);
  put = (path, body, status = 200) => this.#ask('PUT', path, body, status);
  patch = (path, body, status = 200) => this.#ask('PATCH', path, body, status);
  del = (path, status = 204) => this.#ask('DELETE', path, undefined, status);

  /** Sends a file as the multipart field `file`. */
  async upload(path, file) {
    const form = new FormData();
    form.append('file', await openAsBlob(file), basename(file));
    return this.#answer('POST', path, { body: form }, 202);
  }

  #ask(method, path, body, status) {
    const json = body === undefined ? {} : { body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } };
    return this.#answer(method, path, json, status);
  }

  async #answer(method, path, init, status) {
    const headers = { ...init.headers, ...(this.token === null ? {} : { Authorization: `Bearer ${this.token}` }) };
    const response = await fetch(this.url + path, { method, ...init, headers });
    const body = await response.text();
    assert.equal(response.status, status, `${method} ${path}: ${response.status} ${body}`);
    return body === '' ? null : JSON.parse(body);
  }
}

/** Asks until the answer fits: for what the bank does in the background. */
export async function until(ask, fits, what) {
  const end = Date.now() + 15_000;
  for (;;) {
    const answer = await ask();
    if (fits(answer)) return answer;
    assert.ok(Date.now() < end, `${what} did not come: ${JSON.stringify(answer).slice(0, 500)}`);
    await new Promise((resolve) => { setTimeout(resolve, 100); });
  }
}
