// Follows what one organisation may see, over Kafka: prints every CloudEvent once, as a line of JSON.
//
//     npm install kafkajs
//     ORGANISATION=brugwerk KAFKA_SERVERS=kafka-1.example.org:9093 KAFKA_SSL=true \
//     KAFKA_SASL_MECHANISM=scram-sha-512 KAFKA_USERNAME=brugwerk KAFKA_PASSWORD=… node subscribe.mjs
//
// Messages come at least once, so what was handled is remembered by its id: here in a file, a line for each. A system of
// your own remembers it in the transaction that keeps what it made of the message.

import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { Kafka, logLevel } from "kafkajs";

const settings = process.env;
const organisation = settings.ORGANISATION;
const handledIn = settings.HANDLED ?? "handled.txt";
const handled = new Set(existsSync(handledIn) ? readFileSync(handledIn, "utf8").split("\n") : []);

const kafka = new Kafka({
  clientId: "caserelay-example",
  brokers: (settings.KAFKA_SERVERS ?? "localhost:9094").split(","),
  ssl: settings.KAFKA_SSL === "true",
  sasl: settings.KAFKA_USERNAME && {
    mechanism: settings.KAFKA_SASL_MECHANISM ?? "scram-sha-512",
    username: settings.KAFKA_USERNAME,
    password: settings.KAFKA_PASSWORD,
  },
  logLevel: logLevel.ERROR,
});
// The group has to begin with the organisation's id. A subscriber that was killed keeps its place in the group so long.
const consumer = kafka.consumer({ groupId: `${organisation}.${settings.GROUP ?? "example"}`, sessionTimeout: 10_000 });

/** A record in binary mode: attributes in headers that begin with ce_, the data as the value. */
function cloudEvent({ headers, value }) {
  const attributes = Object.entries(headers)
    .filter(([name]) => name.startsWith("ce_"))
    .map(([name, header]) => [name.slice("ce_".length), header.toString()]);
  return { ...Object.fromEntries(attributes), data: JSON.parse(value.toString()) };
}

for (const signal of ["SIGINT", "SIGTERM"]) {
  process.once(signal, () => consumer.disconnect().then(() => process.exit(0)));
}
await consumer.connect();
await consumer.subscribe({
  // The part before `caserelay.` is what the operator put before all names, if anything.
  topic: `${settings.KAFKA_PREFIX ?? ""}caserelay.organisation.${organisation}.v1`,
  fromBeginning: true,
});
await consumer.run({
  autoCommit: false,
  eachMessage: async ({ topic, partition, message }) => {
    const event = cloudEvent(message);
    if (!handled.has(event.id)) {
      console.log(JSON.stringify(event));
      appendFileSync(handledIn, `${event.id}\n`);
      handled.add(event.id);
    }
    // Only now: after a crash before this it comes again.
    await consumer.commitOffsets([{ topic, partition, offset: String(Number(message.offset) + 1) }]);
  },
});
