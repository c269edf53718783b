// Puts a running shop under load as many shoppers would, and proves afterwards that what it
// answered is what it did.
#include <charconv>
#include <fstream>
#include <iostream>

#include "common/keys.hpp"
#include "common/options.hpp"
#include "common/web.hpp"
#include "dropline/config/errors.hpp"
#include "dropline/http/bearer.hpp"
#include "dropline/stream/sqlite/sqlite_stream.hpp"
#include "report.hpp"

namespace dropline::apps {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::milliseconds kFollowEvery{50};
constexpr std::chrono::seconds kRestLimit{60};

Result<std::unique_ptr<stream::Stream>> open_log(const config::Settings& settings) {
  if (settings.has("database.url")) {
    auto stream =
        stream::KafkaStream::open(kafka_options(settings, Publisher::ingress, "dropline-load"));
    if (!stream) return stream.error();
    return std::unique_ptr<stream::Stream>(std::move(*stream));
  }
  stream::SqliteOptions options;
  options.file = std::filesystem::path(settings.text("data_dir")) / "dropline.db";
  options.foreign_poll_interval = kFollowEvery;
  auto stream = stream::SqliteStream::open_read_only(options);
  if (!stream) return stream.error();
  return std::unique_ptr<stream::Stream>(std::move(*stream));
}

Result<load::Server> server(const std::string& text) {
  const auto colon = text.rfind(':');
  std::uint16_t port = 0;
  if (colon != std::string::npos)
    std::from_chars(text.data() + colon + 1, text.data() + text.size(), port);
  if (port == 0)
    return config::error(config::Errc::usage, "'" + text +
                                                  "' is no address such as "
                                                  "127.0.0.1:8080");
  return load::Server{text.substr(0, colon), port};
}

Result<std::vector<load::Server>> servers(const std::vector<std::string>& texts) {
  std::vector<load::Server> out;
  for (const auto& text : texts) {
    auto one = server(text);
    if (!one) return one.error();
    out.push_back(*one);
  }
  return out;
}

Result<load::Plan> read_plan(const config::Settings& own) {
  load::Plan plan;
  plan.scenario =
      own.text("scenario") == "refusals" ? load::Scenario::refusals : load::Scenario::orders;
  auto shops = servers(own.list("ingress"));
  if (!shops) return shops.error();
  auto gateways = servers(own.list("gateway"));
  if (!gateways) return gateways.error();
  plan.rush.servers = *shops;
  plan.gateways = *gateways;
  const auto operators = own.address("operator");
  plan.operators = {operators.host, operators.port};
  plan.rush.connections = static_cast<std::size_t>(own.integer("connections"));
  plan.rush.rate = own.number("rate");
  plan.rush.length = own.duration("length");
  plan.rush.seed = static_cast<std::uint64_t>(own.integer("seed"));
  plan.members = own.integer("members");
  plan.skus = own.integer("skus");
  plan.drops = std::min(own.integer("drops"), plan.skus);
  plan.units = own.integer("units");
  if (plan.scenario == load::Scenario::refusals) plan.units = plan.skus;
  plan.prefer_wait = own.boolean("wait");
  return plan;
}

load::Mint minter(const config::Settings& settings, const Keys& keys, Random& random) {
  return [&](const MemberId& member, bool operating) {
    http::TokenRequest request;
    request.member = member;
    if (operating) request.roles = {"admin"};
    request.issuer = settings.text("auth.issuer");
    request.audience = settings.text("auth.audience");
    request.key_id = kDevelopmentKeyId;
    request.lifetime = std::chrono::hours(12);
    request.token_id = random.uuid4().text();
    return http::mint(request, *keys.tokens, SystemClock().now());
  };
}

/// The topic is at rest when nothing was told for a while.
void wait_for_rest(const load::Follower& follower) {
  const auto limit = std::chrono::steady_clock::now() + kRestLimit;
  auto seen = follower.paid();
  for (auto still = 0; still < 10 && std::chrono::steady_clock::now() < limit;) {
    std::this_thread::sleep_for(200ms);
    still = follower.paid() == seen ? still + 1 : 0;
    seen = follower.paid();
  }
}

struct Window {
  Timestamp start, end;
};

void count_told(load::Outcome& outcome, const load::Follower& follower, const Window& window) {
  std::uint64_t within = 0;
  Timestamp last = window.end;
  for (const auto& [order, paid] : follower.orders()) {
    if (paid.at >= window.start && paid.at < window.end) ++within;
    last = std::max(last, paid.at);
  }
  const auto length = std::chrono::duration<double>(window.end - window.start).count();
  outcome.paid_per_s = static_cast<double>(within) / length;
  outcome.lag_s = std::chrono::duration<double>(last - window.end).count();
}

/// Who arrives after sell-out is refused; who arrives before is not measured.
Status sell_out(load::Sale& sale, const load::Plan& plan) {
  auto options = plan.rush;
  options.rate = 0;
  options.length = 3s;
  auto sold = load::Rush::run(
      options, [&](std::uint64_t arrival, std::string& out) { sale.write_order(arrival, out); },
      [](const load::Answer&) {});
  return sold ? Status() : Status(sold.error());
}

Result<load::Outcome> rush(const load::Plan& plan, load::Sale& sale, load::Follower& follower,
                           load::Figures& figures) {
  std::vector<bool> paid;
  const Window window{SystemClock().now(), SystemClock().now() + plan.rush.length};
  const auto base = sale.orders().size();
  auto totals = load::Rush::run(
      plan.rush,
      [&](std::uint64_t arrival, std::string& out) { sale.write_order(base + arrival, out); },
      [&](const load::Answer& answer) {
        figures.add(answer);
        const auto at = base + answer.arrival;
        if (at >= paid.size()) paid.resize(at + 1);
        paid[at] = load::told_paid(answer);
      });
  if (!totals) return totals.error();
  wait_for_rest(follower);
  follower.stop();
  load::Outcome outcome{plan, figures, *totals, 0, 0, 0, {}};
  outcome.answered_per_s = static_cast<double>(figures.latency().count()) /
                           std::chrono::duration<double>(plan.rush.length).count();
  count_told(outcome, follower, window);
  if (plan.scenario != load::Scenario::orders) return outcome;
  auto verdict = load::judge(sale, plan, paid, follower);
  if (!verdict) return verdict.error();
  outcome.verdict = std::move(*verdict);
  return outcome;
}

int run(const config::Invocation& call) {
  const auto& settings = call.settings();
  auto plan = read_plan(call.own());
  if (!plan) return fail(plan.error());
  SystemRandom random;
  const auto keys = load_keys(keys_folder(settings), false, random);
  if (!keys) return fail(keys.error());
  if (!keys->tokens)
    return fail(config::error(config::Errc::usage,
                              "there is no development key in " + keys_folder(settings).string() +
                                  ": load is put on a shop that runs with --dev only"));
  auto log = open_log(settings);
  if (!log) return fail(log.error());
  const auto progress = [&](const std::string& text) { call.err() << text << '\n'; };
  auto sale = load::Sale::open(*plan, minter(settings, *keys, random), random, progress);
  if (!sale) return fail(sale.error());
  if (plan->scenario == load::Scenario::refusals)
    if (auto sold = sell_out(*sale, *plan); !sold) return fail(sold.error());
  auto follower =
      load::Follower::start(**log, static_cast<std::int32_t>(settings.integer("topics.partitions")),
                            settings.text("topics.prefix"));
  if (!follower) return fail(follower.error());
  progress("under load");
  load::Figures figures(std::chrono::steady_clock::now());
  auto outcome = rush(*plan, *sale, **follower, figures);
  if (!outcome) return fail(outcome.error());
  load::print(call.out(), *outcome);
  if (call.own().has("report")) {
    std::ofstream file(call.own().text("report"));
    file << load::to_json(*outcome) << '\n';
    if (!file)
      return fail(config::error(config::Errc::unreadable_file,
                                call.own().text("report") + " cannot be written"));
  }
  if (call.own().has("plots"))
    if (auto done = load::write_plots(call.own().text("plots"), *outcome); !done)
      return fail(done.error());
  return outcome->verdict.good() ? 0 : 1;
}

config::Schema own_options() {
  config::Schema own;
  own.choice("scenario", {"orders", "refusals"}, "orders",
             "Orders paid by wallet, or orders after everything is sold.");
  own.list("ingress", std::vector<std::string>{"127.0.0.1:8080"}, "Where shoppers go.");
  own.address("operator", "127.0.0.1:8081", "Where operators go.");
  own.list("gateway", std::vector<std::string>{"127.0.0.1:8082"}, "The sandbox's gateways.");
  own.number("rate", 0, "Arrivals a second (open loop); 0: closed loop, as fast as answers come.");
  own.duration("length", std::chrono::seconds(60), "How long orders arrive.");
  own.integer("connections", 1'000, "Kept alive.").range(1, 60'000);
  own.integer("members", 10'000, "Who order in turn.").range(1, 1'000'000);
  own.integer("skus", 1, "What is sold: 1 is one hot SKU.").range(1, 10'000);
  own.integer("drops", 1, "That the SKUs are dealt to.").range(1, 1'000);
  own.integer("units", 0, "In all; 0: more than can be ordered.").range(0, 1'000'000'000);
  own.integer("seed", 1, "Of the arrivals.").range(0, 1'000'000'000);
  own.boolean("wait", true,
              "Orders go without Prefer: wait, so the answer is the receipt, not the decision.");
  own.path("report", std::nullopt, "Keep every figure in this file.");
  own.path("plots", std::nullopt, "Draw throughput and latency over time into this folder.");
  return own;
}

}  // namespace
}  // namespace dropline::apps

int main(int argc, char** argv) {
  using namespace dropline;
  auto line = apps::command_line("dropline-load", "Load for a dropline that runs with --dev");
  line.add(
      {.name = "run",
       .summary = "Make a sale, send orders, and prove what came of them",
       .help = "Makes products, drops and members with money through the shop's own HTTP, "
               "sends orders at a set rate whatever the answers are, measures each from the "
               "time it was due, then holds answers, topic and wallets against each other. "
               "Exit code 1 where they differ. Loads nothing but the shop it is pointed at: "
               "keep that your own.",
       .own = apps::own_options(),
       .sections = {"", "auth", "keys", "kafka", "topics", "database"},
       .examples = {{"dropline-load --rate 1000 --length 30s", "an embedded shop under ./var"}},
       .run = apps::run});
  line.default_command("run");
  return line.run(argc, argv);
}
