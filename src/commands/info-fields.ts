/**
 * The fields of INFO: those of Redis 7.4's sections, in its order, that have a meaning here. What does not exist (replicas'
 * links, defragmentation) has no field, unless clients or monitoring read it and zero is the true answer.
 */
import { CHANNEL, PATTERN, SHARD } from "./channels.ts";
import { arch, release, totalmem, type } from "node:os";
import { HUTCH_VERSION, REDIS_VERSION } from "../base/version.ts";
import type { Options } from "../base/options.ts";
import type { Ref } from "../memory/arena.ts";
import type { Command } from "./command.ts";
import type { Engine } from "./engine.ts";
import { memoryFigures } from "./memory-figures.ts";

type Field = readonly [name: string, value: string | number];

const SECONDS_PER_DAY = 86400;
/** Redis's clock of uses: seconds, 24 bits. */
const LRU_CLOCK_MAX = 0xffffff;
const NO_REPLICATION_ID = "0".repeat(40);

/** Adds all sections that the engine itself can fill. */
export function addInfoFields(engine: Engine): void {
  const { info } = engine;
  info.add("server", () => serverFields(engine));
  info.add("clients", () => clientFields(engine));
  info.add("memory", () => memoryFields(engine));
  info.add("persistence", () => persistenceFields(engine));
  info.add("stats", () => statsFields(engine));
  info.add("replication", () => replicationFields(engine));
  info.add("cpu", cpuFields);
  info.add("modules", () => []);
  info.add("commandstats", () => commandFields(engine), false);
  info.add("errorstats", () => errorFields(engine));
  info.add("latencystats", () => latencyFields(engine), false);
  info.add("cluster", () => [["cluster_enabled", 0]]);
  info.add("keyspace", () => keyspaceFields(engine));
}

function* serverFields(engine: Engine): Iterable<Field> {
  const { clock, options } = engine;
  const uptime = Math.floor(clock.monotonicMs / 1000);
  const hz = options.text("hz");
  const port = options.text("port");
  yield ["redis_version", REDIS_VERSION];
  yield ["hutch_version", HUTCH_VERSION];
  yield ["redis_git_sha1", "00000000"];
  yield ["redis_git_dirty", 0];
  yield ["redis_mode", "standalone"];
  yield ["os", `${type()} ${release()} ${arch() === "x64" ? "x86_64" : arch()}`];
  yield ["arch_bits", 64];
  yield ["monotonic_clock", "POSIX clock_gettime"];
  yield ["multiplexing_api", process.platform === "linux" ? "epoll" : "kqueue"];
  yield ["bun_version", Bun.version];
  yield ["process_id", process.pid];
  yield ["process_supervised", engine.supervisedBy];
  yield ["run_id", engine.runId];
  yield ["tcp_port", port];
  yield ["server_time_usec", clock.unixMicroseconds()];
  yield ["uptime_in_seconds", uptime];
  yield ["uptime_in_days", Math.floor(uptime / SECONDS_PER_DAY)];
  yield ["hz", hz];
  yield ["configured_hz", hz];
  yield ["lru_clock", Math.floor(clock.nowMs / 1000) & LRU_CLOCK_MAX];
  yield ["executable", process.execPath];
  yield ["config_file", engine.configFile];
  yield ["io_threads_active", 0];
  yield* listenerFields(options);
}

/** The ways in, numbered. */
function* listenerFields(options: Options): Iterable<Field> {
  const addresses = options.words("bind").map((address) => `bind=${address},`);
  const path = options.text("unixsocket");
  let count = 0;
  for (const [name, option] of [
    ["tcp", "port"],
    ["unix", "unixsocket"],
    ["tls", "tls-port"],
  ] as const) {
    if (name === "unix") {
      if (path !== "") yield [`listener${count++}`, `name=unix,bind=${path}`];
    } else if (options.text(option) !== "0") {
      yield [
        `listener${count++}`,
        `name=${name},${addresses.join("")}port=${options.text(option)}`,
      ];
    }
  }
}

function* clientFields(engine: Engine): Iterable<Field> {
  let blocked = 0;
  let watching = 0;
  let largestInput = 0;
  let largestOutput = 0;
  for (const session of engine.sessions.values()) {
    if (session.blocked) blocked++;
    if (session.watch !== null && session.watch.keys.size > 0) watching++;
    const { peer } = session;
    if (peer === null) continue;
    largestInput = Math.max(largestInput, peer.inputBytes + peer.inputFreeBytes);
    largestOutput = Math.max(largestOutput, peer.outputBytes);
  }
  yield ["connected_clients", engine.sessions.size];
  yield ["cluster_connections", 0];
  yield ["maxclients", engine.options.text("maxclients")];
  yield ["client_recent_max_input_buffer", largestInput];
  yield ["client_recent_max_output_buffer", largestOutput];
  yield ["blocked_clients", blocked];
  yield ["tracking_clients", engine.tracking.count];
  yield ["pubsub_clients", engine.channels.sessions.size];
  yield ["watching_clients", watching];
  yield ["clients_in_timeout_table", engine.blocking.timed];
  yield ["total_watched_keys", engine.watchedKeys.count];
  yield ["total_blocking_keys", engine.blocking.keys];
  yield ["total_blocking_keys_on_nokey", engine.blocking.keysWhenGone];
}

function* memoryFields(engine: Engine): Iterable<Field> {
  const { options, keyspace } = engine;
  const figures = memoryFigures(engine);
  const { used, peak, overhead, startup, dataset, allocated, active, resident, rss } = figures;
  const system = totalmem();
  const limit = options.number("maxmemory");
  yield ["used_memory", used];
  yield ["used_memory_human", human(used)];
  yield ["used_memory_rss", rss];
  yield ["used_memory_rss_human", human(rss)];
  yield ["used_memory_peak", peak];
  yield ["used_memory_peak_human", human(peak)];
  yield ["used_memory_peak_perc", percent(used, peak)];
  yield ["used_memory_overhead", overhead];
  yield ["used_memory_startup", startup];
  yield ["used_memory_dataset", dataset];
  yield ["used_memory_dataset_perc", percent(dataset, Math.max(dataset, used - startup))];
  yield ["allocator_allocated", allocated];
  yield ["allocator_active", active];
  yield ["allocator_resident", resident];
  yield ["allocator_muzzy", 0];
  // The JavaScript heap is no part of used_memory.
  yield ["used_memory_javascript", figures.heap];
  yield ["total_system_memory", system];
  yield ["total_system_memory_human", human(system)];
  const scripts = engine.scriptCache?.memory ?? 0;
  const { functions } = engine;
  yield ["used_memory_scripts_eval", scripts];
  yield ["number_of_cached_scripts", engine.scriptCache?.count ?? 0];
  yield ["number_of_functions", functions.functionCount];
  yield ["number_of_libraries", functions.libraryCount];
  yield ["used_memory_functions", functions.memory];
  yield ["used_memory_scripts", scripts + functions.memory];
  yield ["used_memory_scripts_human", human(scripts + functions.memory)];
  yield ["maxmemory", options.text("maxmemory")];
  yield ["maxmemory_human", human(limit)];
  yield ["maxmemory_policy", options.text("maxmemory-policy")];
  yield ["allocator_frag_ratio", ratio(active, allocated)];
  yield ["allocator_frag_bytes", active - allocated];
  yield ["allocator_rss_ratio", ratio(resident, active)];
  yield ["allocator_rss_bytes", resident - active];
  yield ["rss_overhead_ratio", ratio(rss, resident)];
  yield ["rss_overhead_bytes", rss - resident];
  yield ["mem_fragmentation_ratio", ratio(rss, used)];
  yield ["mem_fragmentation_bytes", rss - used];
  yield ["mem_not_counted_for_evict", figures.log];
  yield ["mem_replication_backlog", 0];
  yield ["mem_total_replication_buffers", 0];
  yield ["mem_clients_slaves", 0];
  yield ["mem_clients_normal", figures.clients];
  yield ["mem_cluster_links", 0];
  yield ["mem_aof_buffer", figures.log];
  yield ["mem_allocator", "hutch-arena"];
  yield ["mem_overhead_db_hashtable_rehashing", figures.resizing];
  yield ["active_defrag_running", Math.round(keyspace.defragmentation.effort)];
  yield ["lazyfree_pending_objects", keyspace.reclaimer.pending];
  yield ["lazyfreed_objects", keyspace.reclaimer.freed];
}

function* defragmentationFields(engine: Engine): Iterable<Field> {
  const { defragmentation, store } = engine.keyspace;
  const { now, all } = defragmentation.activeMs;
  yield ["active_defrag_hits", store.arena.moves];
  yield ["active_defrag_misses", store.arena.stays];
  yield ["active_defrag_key_hits", defragmentation.keyHits];
  yield ["active_defrag_key_misses", defragmentation.keyMisses];
  yield ["total_active_defrag_time", Math.round(all)];
  yield ["current_active_defrag_time", Math.round(now)];
}

/** What belongs to snapshots and to the log, these add themselves. */
function* persistenceFields(engine: Engine): Iterable<Field> {
  const { loading, clock } = engine;
  yield ["loading", loading === null ? 0 : 1];
  if (loading !== null) {
    const { totalBytes, loadedBytes, snapshotMemory } = loading;
    const share = totalBytes === 0 ? 1 : loadedBytes / totalBytes;
    const seconds = Math.max(0, clock.nowMs - loading.startedMs) / 1000;
    yield ["loading_start_time", Math.floor(loading.startedMs / 1000)];
    yield ["loading_total_bytes", totalBytes];
    yield ["loading_rdb_used_mem", snapshotMemory];
    yield ["loading_loaded_bytes", loadedBytes];
    yield ["loading_loaded_perc", (share * 100).toFixed(2)];
    yield ["loading_eta_seconds", share === 0 ? 1 : Math.ceil((seconds / share) * (1 - share))];
  }
  yield ["async_loading", 0];
}

function* statsFields(engine: Engine): Iterable<Field> {
  const { stats } = engine;
  const { store } = engine.keyspace;
  yield ["total_connections_received", stats.connectionsReceived];
  yield ["total_commands_processed", stats.commandsProcessed];
  yield ["instantaneous_ops_per_sec", Math.round(stats.commandRate.perSecond)];
  yield ["total_net_input_bytes", stats.bytesReceived];
  yield ["total_net_output_bytes", stats.bytesSent];
  yield ["total_net_repl_input_bytes", 0];
  yield ["total_net_repl_output_bytes", 0];
  yield ["instantaneous_input_kbps", (stats.inputRate.perSecond / 1024).toFixed(2)];
  yield ["instantaneous_output_kbps", (stats.outputRate.perSecond / 1024).toFixed(2)];
  yield ["instantaneous_input_repl_kbps", "0.00"];
  yield ["instantaneous_output_repl_kbps", "0.00"];
  yield ["rejected_connections", stats.connectionsRejected];
  yield ["sync_full", 0];
  yield ["sync_partial_ok", 0];
  yield ["sync_partial_err", 0];
  yield ["expired_subkeys", store.expiredMembers];
  yield ["expired_keys", store.expired];
  yield ["expired_stale_perc", "0.00"];
  yield ["expired_time_cap_reached_count", 0];
  yield ["expire_cycle_cpu_milliseconds", Math.round(engine.keyspace.expiryNs / 1e6)];
  yield ["evicted_keys", engine.keyspace.eviction.evicted];
  yield ["evicted_clients", engine.stats.evictedClients];
  yield ["evicted_scripts", engine.scriptCache?.evicted ?? 0];
  yield ["total_eviction_exceeded_time", Math.round(engine.memoryLimit.exceededMs.all)];
  yield ["current_eviction_exceeded_time", Math.round(engine.memoryLimit.exceededMs.now)];
  yield ["keyspace_hits", store.hits];
  yield ["keyspace_misses", store.misses];
  yield ["pubsub_channels", engine.channels.of(CHANNEL).size];
  yield ["pubsub_patterns", engine.channels.of(PATTERN).size];
  yield ["pubsubshard_channels", engine.channels.of(SHARD).size];
  yield ["latest_fork_usec", 0];
  yield ["total_forks", 0];
  yield ["migrate_cached_sockets", 0];
  yield ["slave_expires_tracked_keys", 0];
  yield* defragmentationFields(engine);
  yield ["tracking_total_keys", engine.tracking.keys.count];
  yield ["tracking_total_items", engine.tracking.keys.items];
  yield ["tracking_total_prefixes", engine.tracking.prefixes];
  yield ["unexpected_error_replies", stats.unexpectedErrorReplies];
  yield ["total_error_replies", stats.errorReplies];
  yield ["dump_payload_sanitizations", 0];
  yield ["total_reads_processed", stats.reads];
  yield ["total_writes_processed", stats.writes];
  yield ["io_threaded_reads_processed", 0];
  yield ["io_threaded_writes_processed", 0];
  yield ["client_query_buffer_limit_disconnections", stats.clientQueryBufferLimitDisconnections];
  yield ["client_output_buffer_limit_disconnections", stats.clientOutputBufferLimitDisconnections];
  yield ["acl_access_denied_auth", stats.denied.auth];
  yield ["acl_access_denied_cmd", stats.denied.command];
  yield ["acl_access_denied_key", stats.denied.key];
  yield ["acl_access_denied_channel", stats.denied.channel];
}

function* replicationFields(engine: Engine): Iterable<Field> {
  yield ["role", "master"];
  yield ["connected_slaves", 0];
  yield ["master_failover_state", "no-failover"];
  yield ["master_replid", engine.replicationId];
  yield ["master_replid2", NO_REPLICATION_ID];
  yield ["master_repl_offset", 0];
  yield ["second_repl_offset", -1];
  yield ["repl_backlog_active", 0];
  yield ["repl_backlog_size", engine.options.text("repl-backlog-size")];
  yield ["repl_backlog_first_byte_offset", 0];
  yield ["repl_backlog_histlen", 0];
}

function* cpuFields(): Iterable<Field> {
  const { system, user } = process.cpuUsage();
  yield ["used_cpu_sys", (system / 1e6).toFixed(6)];
  yield ["used_cpu_user", (user / 1e6).toFixed(6)];
  yield ["used_cpu_sys_children", "0.000000"];
  yield ["used_cpu_user_children", "0.000000"];
  const main = process.threadCpuUsage();
  yield ["used_cpu_sys_main_thread", (main.system / 1e6).toFixed(6)];
  yield ["used_cpu_user_main_thread", (main.user / 1e6).toFixed(6)];
}

function* commandFields(engine: Engine): Iterable<Field> {
  for (const command of engine.table.loaded) {
    yield* commandLine(command, command.fullName);
    for (const sub of command.subcommands?.values() ?? []) yield* commandLine(sub, sub.fullName);
  }
  for (const command of engine.nativeCommands) {
    yield* commandLine(command, `native|${command.fullName}`);
  }
}

/** Commands that nobody has sent have no line. */
function* commandLine(command: Command, name: string): Iterable<Field> {
  const { calls, rejected, failed, timeNs } = command;
  if (calls === 0 && rejected === 0) return;
  const usec = Math.round(timeNs / 1000);
  const perCall = calls === 0 ? 0 : timeNs / 1000 / calls;
  const times = `calls=${calls},usec=${usec},usec_per_call=${perCall.toFixed(2)}`;
  yield [`cmdstat_${name}`, `${times},rejected_calls=${rejected},failed_calls=${failed}`];
}

function* latencyFields(engine: Engine): Iterable<Field> {
  const percentiles = engine.options.words("latency-tracking-info-percentiles");
  for (const command of engine.table.loaded) {
    for (const one of [command, ...(command.subcommands?.values() ?? [])]) {
      const { latency } = one;
      if (latency === null) continue;
      const shown = percentiles.map((percentile) => {
        const us = latency.percentile(Number(percentile)) / 1000;
        return `p${percentile}=${us.toFixed(3)}`;
      });
      yield [`latency_percentiles_usec_${one.fullName}`, shown.join(",")];
    }
  }
}

function* errorFields(engine: Engine): Iterable<Field> {
  const codes = [...engine.stats.errors.keys()].toSorted();
  for (const code of codes) {
    const { count } = engine.stats.errors.get(code)!;
    yield [`errorstat_${code}`, `count=${count}`];
  }
}

function* keyspaceFields(engine: Engine): Iterable<Field> {
  for (const database of engine.keyspace.databases) {
    const { size, expiring, expiringMembers } = database;
    if (size === 0) continue;
    const ttlMs = expiring === 0 ? 0 : averageTtlMs(engine, database.index);
    const counts = `keys=${size},expires=${expiring}`;
    yield [`db${database.index}`, `${counts},avg_ttl=${ttlMs},subexpiry=${expiringMembers}`];
  }
}

/** Entries that the estimate of the average time to live looks at. */
const TTL_SAMPLE = 256;

/** Estimated from the first entries in the order of their hashes, which is a random sample. */
function averageTtlMs(engine: Engine, index: number): number {
  const database = engine.keyspace.databases[index]!;
  const sample = { size: 0, expiring: 0, ttlMs: 0 };
  const visit = (entry: Ref): void => {
    sample.size++;
    const dueMs = database.expiryMs(entry);
    if (dueMs < 0) return;
    sample.expiring++;
    sample.ttlMs += Math.max(0, dueMs - engine.clock.nowMs);
  };
  let cursor = database.scan(0, visit);
  while (cursor !== 0 && sample.size < TTL_SAMPLE) cursor = database.scan(cursor, visit);
  return sample.expiring === 0 ? 0 : Math.round(sample.ttlMs / sample.expiring);
}

/** Bytes in Redis's short form: 1.50M. */
function human(bytes: number): string {
  if (bytes < 1024) return `${bytes}B`;
  let value = bytes / 1024;
  for (const unit of ["K", "M", "G", "T"]) {
    if (value < 1024) return `${value.toFixed(2)}${unit}`;
    value /= 1024;
  }
  return `${value.toFixed(2)}P`;
}

function percent(part: number, whole: number): string {
  return `${whole > 0 ? ((part * 100) / whole).toFixed(2) : "0.00"}%`;
}

function ratio(part: number, whole: number): string {
  return whole > 0 ? (part / whole).toFixed(2) : "0.00";
}
