#include "common/options.hpp"

#include <chrono>

#include "common/outlets.hpp"
#include "common/process_clock.hpp"
#include "dropline/base/money.hpp"
#include "dropline/config/errors.hpp"
#include "dropline/contracts/codec.hpp"

namespace dropline::apps {
namespace {

using namespace std::chrono_literals;

void general_options(config::Schema& schema) {
  schema.path("data_dir", "var", "Folder of the embedded database and of generated keys.");
  schema.boolean("dev", false,
                 "Development: generate missing keys, and let `dropline token` mint tokens. Only "
                 "with loopback addresses.");
  schema.section("log", "Logs");
  schema.text("log.level", "info", "Level, and levels of single loggers: info,http=debug.")
      .check([](std::string_view text) {
        const auto levels = log::parse_levels(text);
        return levels ? std::string() : levels.error().detail;
      });
  schema.choice("log.format", {"auto", "human", "json"}, "auto",
                "Human on a terminal, JSON lines otherwise, unless told.");
  schema.section("trace", "Traces");
  schema.path("trace.file", std::nullopt, "Appends spans as JSON lines.").example("trace.jsonl");
}

void http_options(config::Schema& schema) {
  schema.section("http", "HTTP ingress");
  schema.address("http.address", "127.0.0.1:8080", "Where shoppers and integrators reach it.");
  schema.integer("http.threads", 2, "Threads that serve connections.").range(1, 64);
  schema.integer("http.max_connections", 12'000, "Beyond: refused with 503.").range(1, 1'000'000);
  schema.duration("http.head_deadline", 10s, "A request's head must have come by then.")
      .range(100ms, 5min);
  schema.duration("http.body_deadline", 30s, "Its body, from the head's end.").range(100ms, 10min);
  schema.duration("http.max_wait", 30s, "The longest `Prefer: wait` that is honoured.")
      .range(1s, 60s);
  schema
      .integer("http.member_rate", 50,
               "Calls a second that a member may make in the long run; 0: no limit.")
      .range(0, 1'000'000);
  schema.integer("http.member_rate_burst", 200, "Calls at once before that limit is felt.")
      .range(1, 1'000'000);
  schema
      .integer("http.address_rate", 0,
               "The same for all calls from an address; 0: no limit. For shops that shoppers reach "
               "without a proxy: behind one, all have its address.")
      .range(0, 1'000'000);
  schema.integer("http.address_rate_burst", 1'000, "Calls at once before that limit is felt.")
      .range(1, 1'000'000);
  schema
      .list("http.cors_origins", std::vector<std::string>{},
            "Origins whose pages may call the API; `*` is any.")
      .example("https://shop.example");
  schema.text("http.name", "1", "Tells ingresses apart in what they write.");
  schema.integer("http.read_threads", 2, "Threads that read the database.").range(1, 64);
  schema
      .address("admin.address", std::nullopt,
               "A second listener: health, metrics and the operators' API.")
      .example("127.0.0.1:8081");
}

void auth_options(config::Schema& schema) {
  schema.section("auth", "Callers");
  schema.text("auth.issuer", "dropline", "`iss` that bearer tokens must carry.");
  schema.text("auth.audience", "dropline", "`aud` that bearer tokens must carry.");
  schema.list("auth.token_keys", std::vector<std::string>{},
              "Ed25519 public keys of token issuers, as KID:BASE64URL.");
  schema.list("auth.trusted_gateways", std::vector<std::string>{},
              "Addresses whose X-Claim-UserId header is believed.");
  schema.section("keys", "Secrets", "Without them, files in keys.dir are read.");
  schema.path("keys.dir", std::nullopt, "Folder of key files (default: data_dir/keys).");
}

void stream_options(config::Schema& schema) {
  schema.section("kafka", "Kafka (distributed mode)");
  schema.list("kafka.brokers", std::vector<std::string>{"127.0.0.1:9092"}, "host:port of brokers.");
  schema.map("kafka.properties", "--kafka-property",
             "Any librdkafka property: security.protocol=SASL_SSL, ...");
  schema.integer("kafka.replication_factor", std::nullopt, "Of topics made here.").range(1, 100);
  schema.integer("kafka.min_insync_replicas", std::nullopt, "Of topics made here.").range(1, 100);
  schema
      .duration("kafka.publish_timeout", 10s,
                "After this an ingress tells its caller that the outcome is unknown.")
      .range(1s, 5min);
  schema.section("topics", "Topics");
  schema.text("topics.prefix", "", "In front of every topic's name.");
  schema.integer("topics.partitions", 16, "Of every topic. Part of the schema: never changed.")
      .range(1, 1'000);
  schema.section("database", "Database (distributed mode)");
  schema.url("database.url", std::nullopt, "PostgreSQL.")
      .example("postgresql://dropline@127.0.0.1:5432/dropline");
}

void payment_options(config::Schema& schema) {
  schema.section("payments", "Payments",
                 "Amounts are in minor units of the currency: won, cents. Every process that runs "
                 "payments needs the same.");
  schema.text("payments.currency", "KRW", "ISO 4217 code that wallets are charged in.")
      .check([](std::string_view text) {
        return std::string(
            Currency::parse(text) ? "" : "a currency is three capital letters, as in KRW");
      });
  schema.integer("payments.charge_min", 1'000, "The least that a wallet is charged with at once.")
      .range(1, contracts::kMaxExact);
  schema
      .integer("payments.charge_max", 2'000'000, "The most that a wallet is charged with at once.")
      .range(1, contracts::kMaxExact);
  schema.rule([](const config::Settings& settings) {
    return std::string(settings.integer("payments.charge_min") <=
                               settings.integer("payments.charge_max")
                           ? ""
                           : "payments.charge_min must not be more than payments.charge_max");
  });
}

void outside_options(config::Schema& schema) {
  schema.section("gateway", "Payment gateway",
                 "Asked before a captured card counts, and told to give money back.");
  schema
      .address(
          "gateway.address", std::nullopt,
          "Where it is asked. Without it, in development, what signed notices say is believed; "
          "elsewhere what would be asked waits.")
      .example("127.0.0.1:8090");
  schema.duration("gateway.timeout", 5s, "A call that has no answer by then is made again.")
      .range(100ms, 60s);
  schema.duration("gateway.retry", 1s, "How long after that; doubled with each attempt.")
      .range(10ms, 1h);
  schema.duration("gateway.retry_max", 4min, "The longest such pause.").range(10ms, 24h);
  schema
      .duration("gateway.ask_after", 60s,
                "A card that is being paid is asked for unprompted after this, since its notice "
                "may be lost.")
      .range(1s, 1h);
  schema.integer("gateway.calls", 4, "Calls at once.").range(1, 64);
  schema
      .integer("gateway.queue", 256,
               "Calls that wait for their turn in memory; more stay in the "
               "table.")
      .range(1, 10'000);
  schema.section("bank", "Bank", "Where shoppers transfer money to, and what pays it out.");
  schema
      .address("bank.address", std::nullopt, "Where payouts are asked for (default: the gateway).")
      .example("127.0.0.1:8090");
  const auto name = [](std::string_view text) {
    return std::string(text.empty() || text.size() > 100 ? "1 to 100 characters are needed" : "");
  };
  schema.text("bank.name", "Sandbox Bank", "The bank that payers are shown.").check(name);
  schema.text("bank.account", "100-200-300400", "The account that they pay to.").check(name);
  schema.text("bank.holder", "dropline", "Whose it is.").check(name);
}

void ordering_options(config::Schema& schema) {
  schema.section("ordering", "Orders",
                 "How long money is waited for. Every process that runs ordering needs the same.");
  schema
      .duration("ordering.card_deadline", 15min,
                "A card payment has to come within this, or the order expires.")
      .range(1s, 24h);
  schema.duration("ordering.bank_deadline", 72h, "The same for a bank transfer.")
      .range(1s, 24h * 30);
  schema
      .duration("ordering.card_reminder", 5min,
                "A card payer is reminded this long before the deadline; 0: never.")
      .range(0s, 24h);
  schema.duration("ordering.bank_reminder", 24h, "The same for a bank transfer.")
      .range(0s, 24h * 30);
  schema
      .duration("ordering.returns", 72h,
                "An order may be given back for this long after it was delivered; then it is "
                "completed.")
      .range(1s, 24h * 365);
}

void audit_options(config::Schema& schema) {
  schema.section("audit", "Audit");
  schema
      .duration("audit.interval", 1s,
                "How often a shop at work is held against its invariants, by dropline serve and "
                "the role audit; less often where that would cost more than 1.5 % of a core. "
                "0: never.")
      .range(0s, 24h);
}

std::string check_http_url(std::string_view text) {
  return parse_http_url(text) ? std::string()
                              : "it is http://host[:port]/path; put a proxy in front of https";
}

/// What goes into a mail's envelope as it stands.
std::string check_mail_address(std::string_view text) {
  const bool plain = text.find_first_of(" <>\r\n\t\"") == std::string_view::npos;
  const auto at = text.find('@');
  const bool whole = at != std::string_view::npos && at > 0 && at + 1 < text.size();
  return plain && whole ? std::string() : "it is an address, as in shop@example.com";
}

void outlet_options(config::Schema& schema) {
  schema.section("notices", "Notices to shoppers",
                 "Every process that runs notices needs the same.");
  schema.choice("notices.transport", {"off", "log", "webhook", "smtp"}, "off",
                "How shoppers are told: a JSON line each in a file, a signed POST to who tells "
                "them, or mails. From when it is set.");
  schema.path("notices.log", std::nullopt, "The file (default: data_dir/notices.jsonl).");
  schema.url("notices.webhook_url", std::nullopt, "Where notices are posted.")
      .check(check_http_url)
      .example("http://127.0.0.1:9000/notices");
  schema.secret("notices.webhook_secret", "Signs them, as whsec_<base64> or any text.");
  schema.address("notices.smtp_server", "127.0.0.1:25", "The mail relay.");
  schema.text("notices.smtp_from", "shop@localhost", "Who the mails are from.")
      .check(check_mail_address);
  schema
      .text("notices.smtp_to", "{member}@localhost",
            "Where they go; {member} is the member's id, which the relay knows.")
      .check(check_mail_address);
  schema.choice("notices.language", {"ko", "en"}, "ko", "What mails are written in.");
  schema.section("feeds", "Feeds to another platform");
  schema.url("feeds.url", std::nullopt, "Where paid, cancelled and refunded orders are posted.")
      .check(check_http_url)
      .example("http://127.0.0.1:9000/orders");
  schema.secret("feeds.secret", "Signs them, as whsec_<base64> or any text.");
  schema.rule([](const config::Settings& settings) {
    const bool posts = settings.text("notices.transport") == "webhook";
    if (posts && (!settings.has("notices.webhook_url") || !settings.has("notices.webhook_secret")))
      return std::string(
          "notices.transport is webhook: notices.webhook_url and notices.webhook_secret are "
          "needed");
    if (settings.has("feeds.url") && !settings.has("feeds.secret"))
      return std::string("feeds.url is set: feeds.secret is needed to sign what goes there");
    return std::string();
  });
}

void points_options(config::Schema& schema) {
  schema.section("points", "Points");
  schema
      .integer("points.rate", 100,
               "Given for what is paid, in basis points: 100 is one point for 100 won. Of orders "
               "that are paid from now on.")
      .range(0, 10'000);
}

void sandbox_options(config::Schema& schema) {
  schema.section("sandbox", "Sandbox gateway",
                 "For dropline-sandbox, which plays the payment gateway while you develop.");
  schema.address("sandbox.address", "127.0.0.1:8090", "Where it takes payments.");
  schema.address("sandbox.notify", "127.0.0.1:8080", "The ingress that it sends notices to.");
  schema.path("sandbox.file", std::nullopt,
              "Its own books (default: sandbox-PORT.db in data_dir).");
  schema
      .duration("sandbox.notify_retry", 1s, "A notice that was not taken is sent again after this.")
      .range(10ms, 1h);
  schema.integer("sandbox.notify_threads", 4, "Notices at once.").range(1, 64);
  schema
      .integer("sandbox.fault_percent", 0,
               "Of the shop's calls, how many go wrong: before or after they were done.")
      .range(0, 100);
}

}  // namespace

config::Schema shared_schema() {
  config::Schema schema;
  general_options(schema);
  http_options(schema);
  auth_options(schema);
  stream_options(schema);
  payment_options(schema);
  outside_options(schema);
  ordering_options(schema);
  audit_options(schema);
  points_options(schema);
  outlet_options(schema);
  sandbox_options(schema);
  schema.rule([](const config::Settings&) { return clock_refusal(); });
  for (const char* scripts :
       {"DROPLINE_TEST_", "DROPLINE_KAFKA_JARS", "DROPLINE_POSTGRES_BIN", "DROPLINE_BUILD_DIR"})
    schema.ignore_variables(scripts);
  return schema;
}

config::CommandLine command_line(std::string program, std::string summary) {
  config::CommandLine line(std::move(program), kVersion, std::move(summary), shared_schema());
  line.default_files({"dropline.toml", "/etc/dropline/dropline.toml"});
  line.add_config_command();
  return line;
}

log::Options log_options(const config::Settings& settings) {
  log::Options options;
  auto levels = log::parse_levels(settings.text("log.level")).value();
  options.level = levels.level;
  options.levels = std::move(levels.levels);
  const auto& format = settings.text("log.format");
  options.format = format == "json"    ? log::Format::json
                   : format == "human" ? log::Format::human
                                       : log::Format::automatic;
  return options;
}

http::ServerOptions server_options(const config::Settings& settings) {
  http::ServerOptions options;
  options.io_threads = static_cast<unsigned>(settings.integer("http.threads"));
  options.max_connections = static_cast<std::size_t>(settings.integer("http.max_connections"));
  options.head_deadline = settings.duration("http.head_deadline");
  options.body_deadline = settings.duration("http.body_deadline");
  return options;
}

Status check_development(const config::Settings& settings,
                         std::initializer_list<std::string_view> addresses) {
  if (!settings.boolean("dev")) return {};
  for (const auto name : addresses) {
    if (!settings.has(name)) continue;
    const auto address = settings.address(name);
    if (address.host == "127.0.0.1" || address.host == "::1" || address.host == "localhost")
      continue;
    return config::error(config::Errc::bad_value,
                         "--dev believes whoever has the development keys, so " +
                             std::string(name) + " must be loopback, such as 127.0.0.1:" +
                             std::to_string(address.port) + ", not " + address.text());
  }
  return {};
}

stream::KafkaOptions kafka_options(const config::Settings& settings, Publisher publisher,
                                   std::string client) {
  stream::KafkaOptions options;
  options.brokers.clear();
  for (const auto& broker : settings.list("kafka.brokers"))
    options.brokers += (options.brokers.empty() ? "" : ",") + broker;
  options.client_id = std::move(client);
  options.partitions = static_cast<std::int32_t>(settings.integer("topics.partitions"));
  if (publisher == Publisher::ingress) {
    options.message_timeout = settings.duration("kafka.publish_timeout");
    options.gapless = false;
    // Commands come one by one: a rush's then share requests. What a relay publishes is together.
    options.linger = 2ms;
  }
  if (settings.has("kafka.replication_factor"))
    options.replication_factor =
        static_cast<std::int16_t>(settings.integer("kafka.replication_factor"));
  if (settings.has("kafka.min_insync_replicas"))
    options.min_insync_replicas =
        static_cast<std::int16_t>(settings.integer("kafka.min_insync_replicas"));
  options.properties = settings.map("kafka.properties");
  options.log = [](int level, std::string_view text) {
    static const log::Logger logger("kafka");
    logger.write(level <= 3   ? log::Level::warn
                 : level <= 6 ? log::Level::info
                              : log::Level::debug,
                 "librdkafka", {{"text", text}});
  };
  return options;
}

}  // namespace dropline::apps
