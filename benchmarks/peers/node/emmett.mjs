// Emmett's PostgreSQL event store, over a node-postgres pool.

import pg from "pg";
import { dumbo } from "@event-driven-io/dumbo";
import {
  getPostgreSQLEventStore,
  readMessagesBatch,
} from "@event-driven-io/emmett-postgresql";
import { clocked, closedLoop, connection, newStream, serve } from "./protocol.mjs";

const TYPE = "post.published.v1";
const PAGE = 1000;
const NEW = { expectedStreamVersion: "STREAM_DOES_NOT_EXIST" };

class Emmett {
  async open({ config }) {
    this.config = config;
    this.data = JSON.parse(config.payload);
    return {};
  }

  async prepare({ settings }) {
    await this.stored(settings.pool);
    return {};
  }

  async append({ callers, batch, seconds, settings }) {
    const store = await this.stored(settings.pool);
    const step = () => {
      const events = Array.from({ length: batch }, () => ({ type: TYPE, data: this.data }));
      return store.appendToStream(newStream(), events, NEW);
    };
    return closedLoop(callers, batch, seconds, step);
  }

  async read({ limit, settings }) {
    await this.stored(settings.pool);
    return clocked(async () => {
      let read = 0;
      let after = 0n;
      while (read < limit) {
        const { messages, currentGlobalPosition } = await readMessagesBatch(this.dumbo.execute, {
          after,
          batchSize: Math.min(PAGE, limit - read),
        });
        if (messages.length === 0) break;
        read += messages.length;
        after = currentGlobalPosition;
      }
      return read;
    });
  }

  async stored(size) {
    if (this.size !== size) {
      await this.close();
      const { host, port, user, database } = connection(this.config);
      const address = `postgresql://${user}@localhost:${port}/${database}?host=${encodeURIComponent(host)}`;
      this.pool = new pg.Pool({ host, port, user, database, max: size, idleTimeoutMillis: 0 });
      this.store = getPostgreSQLEventStore(address, { connectionOptions: { pool: this.pool } });
      await this.store.schema.migrate();
      this.dumbo = dumbo({ connectionString: address, pool: this.pool });
      this.size = size;
    }
    return this.store;
  }

  async close() {
    await this.store?.close();
    await this.dumbo?.close();
    if (this.pool && !this.pool.ended) await this.pool.end();
    this.pool = this.store = this.dumbo = undefined;
  }
}

await serve(new Emmett());
