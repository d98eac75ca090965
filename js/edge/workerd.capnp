using Workerd = import "/workerd/workerd.capnp";

# The worker on one's own machine. The listening address and the two directories
# are given on the command line (--socket-addr, --directory-path).
const config :Workerd.Config = (
  services = [
    (name = "recents", worker = .recents),
    (name = "storage", disk = (writable = true)),
    (name = "site", disk = (writable = false)),
  ],
  sockets = [(name = "http", http = (), service = "recents")],
);

const recents :Workerd.Worker = (
  modules = [
    (name = "worker.mjs", esModule = embed "worker.mjs"),
    (name = "recents-edge.wasm", wasm = embed "recents-edge.wasm"),
  ],
  compatibilityDate = "2026-11-01",
  durableObjectNamespaces = [
    (className = "Account", uniqueKey = "recents-account", enableSql = true),
    (className = "Team", uniqueKey = "recents-team", enableSql = true),
  ],
  durableObjectStorage = (localDisk = "storage"),
  bindings = [
    (name = "ACCOUNTS", durableObjectNamespace = "Account"),
    (name = "TEAMS", durableObjectNamespace = "Team"),
    (name = "SITE", service = "site"),
    (name = "RECENTS_DEV", fromEnvironment = "RECENTS_DEV"),
    (name = "RECENTS_SERVER_KEY", fromEnvironment = "RECENTS_SERVER_KEY"),
    (name = "RECENTS_TOKEN_SECRET", fromEnvironment = "RECENTS_TOKEN_SECRET"),
    (name = "RECENTS_TOKEN_PUBLIC_KEY", fromEnvironment = "RECENTS_TOKEN_PUBLIC_KEY"),
    (name = "RECENTS_TOKEN_AUDIENCE", fromEnvironment = "RECENTS_TOKEN_AUDIENCE"),
    (name = "RECENTS_ALLOW_ORIGIN", fromEnvironment = "RECENTS_ALLOW_ORIGIN"),
  ],
);
