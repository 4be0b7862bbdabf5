// A running Homing of a walk's own: a temporary data directory, a free block of ports, and the way in.

import { type ChildProcess, execFile, spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const HERE = fileURLToPath(new URL(".", import.meta.url));
const BINARY = resolve(process.env["HOMING"] ?? join(HERE, "../../../../target/debug/homing"));

/** Below the ports that the system hands out by itself. */
const FIRST_PORT = 12_000;
const LAST_PORT = 32_000;
const BLOCK = 20;
/** Blocks tried before giving up: each may be in use. */
const TRIES = 10;
const START_MS = 30_000;
const STOP_MS = 15_000;

const run = promisify(execFile);

/** What `endpoints.json` says, as far as the walks need it. */
interface Endpoints {
  console: string;
  provider_api: string;
  provider_api_key: string;
  demo: { bundle_id: string; development: { device_token: string } };
}

export class Homing {
  private constructor(
    private readonly process: ChildProcess,
    readonly dataDir: string,
    /** The one-time link it printed. */
    readonly link: string,
  ) {}

  static async start(): Promise<Homing> {
    const dataDir = await mkdtemp(join(tmpdir(), "homing-walk-"));
    let said = "";
    for (let tries = 0; tries < TRIES; tries += 1) {
      const blocks = (LAST_PORT - FIRST_PORT) / BLOCK;
      const from = FIRST_PORT + Math.floor(Math.random() * blocks) * BLOCK;
      const child = spawn(BINARY, ["up", "--data-dir", dataDir, "--ports-from", String(from)]);
      const started = await linkOf(child);
      if (started.link !== undefined) {
        return new Homing(child, dataDir, started.link);
      }
      said = started.said;
    }
    await rm(dataDir, { recursive: true, force: true });
    throw new Error(`homing doesn't start (${BINARY}):\n${said}`);
  }

  /** Runs one of Homing's own commands against it; what it printed. */
  async command(...words: string[]): Promise<string> {
    const { stdout } = await run(BINARY, [...words, "--data-dir", this.dataDir]);
    return stdout;
  }

  /** A fresh one-time link. */
  async freshLink(): Promise<string> {
    return (await this.command("console")).trim();
  }

  async endpoints(): Promise<Endpoints> {
    return JSON.parse(await readFile(join(this.dataDir, "endpoints.json"), "utf8")) as Endpoints;
  }

  async stop(): Promise<void> {
    const ended = new Promise<void>((done) => this.process.once("exit", () => done()));
    this.process.kill("SIGTERM");
    const timer = setTimeout(() => this.process.kill("SIGKILL"), STOP_MS);
    await ended;
    clearTimeout(timer);
    await rm(this.dataDir, { recursive: true, force: true });
  }
}

/** Waits for the link, or for the end. */
function linkOf(child: ChildProcess): Promise<{ link?: string; said: string }> {
  return new Promise((done) => {
    let said = "";
    const timer = setTimeout(() => child.kill("SIGKILL"), START_MS);
    const hear = (data: Buffer) => {
      said += data.toString();
      const link = /http:\/\/\S+\/sign-in#\S+/.exec(said)?.[0];
      // It is ready when all of the greeting was printed.
      if (link !== undefined && said.includes("Virtual iPhones")) {
        clearTimeout(timer);
        done({ link, said });
      }
    };
    child.stdout?.on("data", hear);
    child.stderr?.on("data", hear);
    child.once("error", (error) => done({ said: String(error) }));
    child.once("exit", () => {
      clearTimeout(timer);
      done({ said });
    });
  });
}
