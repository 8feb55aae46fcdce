// message-db: functions in PostgreSQL, called through node-postgres with prepared statements.
//
// A batch of a hundred is one statement over unnest, so that it costs one journey and one commit.

import pg from "pg";
import { randomUUID } from "node:crypto";
import { clocked, closedLoop, connection, newStream, serve } from "./protocol.mjs";

const TYPE = "post.published.v1";
const PAGE = 1000;
const WRITE = {
  name: "write",
  text: "SELECT message_store.write_message($1, $2, $3, $4, NULL, $5)",
};
const WRITE_MANY = {
  name: "write-many",
  text:
    "SELECT message_store.write_message(id, $2, $3, $4, NULL, position - 2)" +
    " FROM unnest($1::varchar[]) WITH ORDINALITY AS new (id, position) ORDER BY position",
};
const READ = {
  name: "read",
  text: "SELECT * FROM message_store.get_category_messages('post', $1, $2)",
};

class MessageDb {
  async open({ config }) {
    this.config = config;
    return {};
  }

  async prepare({ settings }) {
    await this.pooled(settings.pool);
    return {};
  }

  async append({ callers, batch, seconds, settings }) {
    const pool = await this.pooled(settings.pool);
    const { payload } = this.config;
    const one = () =>
      pool.query({ ...WRITE, values: [randomUUID(), newStream(), TYPE, payload, -1] });
    const many = () => {
      const ids = Array.from({ length: batch }, () => randomUUID());
      return pool.query({ ...WRITE_MANY, values: [ids, newStream(), TYPE, payload] });
    };
    return closedLoop(callers, batch, seconds, batch === 1 ? one : many);
  }

  async read({ limit, settings }) {
    const pool = await this.pooled(settings.pool);
    return clocked(async () => {
      let read = 0;
      let from = 1;
      while (read < limit) {
        const { rows } = await pool.query({ ...READ, values: [from, Math.min(PAGE, limit - read)] });
        if (rows.length === 0) break;
        for (const row of rows) JSON.parse(row.data);
        read += rows.length;
        from = Number(rows.at(-1).global_position) + 1;
      }
      return read;
    });
  }

  async pooled(size) {
    if (this.size !== size) {
      await this.close();
      this.pool = new pg.Pool({
        ...connection(this.config),
        max: size,
        idleTimeoutMillis: 0,
        options: "-c search_path=message_store",
      });
      this.size = size;
    }
    return this.pool;
  }

  async close() {
    await this.pool?.end();
    this.pool = undefined;
  }
}

await serve(new MessageDb());
