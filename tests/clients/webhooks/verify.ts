// Verifies the delivery that receivers.py has recorded, with the library of Standard Webhooks for TypeScript.
import { strict as assert } from "node:assert";
import { readFileSync } from "node:fs";
import { Webhook } from "standardwebhooks";

interface Delivery {
  secret: string;
  headers: Record<string, string>;
  body: string;
}

const { secret, headers, body } = JSON.parse(readFileSync("delivery.json", "utf8")) as Delivery;
const event = new Webhook(secret).verify(body, headers) as { id: string };
assert.equal(headers["webhook-id"], event.id);
assert.throws(() => new Webhook(secret).verify(`${body} `, headers), "another body");
console.log("the delivery is good");
