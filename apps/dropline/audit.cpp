#include "audit.hpp"

#include <charconv>
#include <filesystem>
#include <fstream>
#include <iomanip>
#include <iostream>
#include <sstream>

#include "common/keys.hpp"
#include "common/options.hpp"
#include "common/web.hpp"
#include "dropline/audit/auditor.hpp"
#include "dropline/audit/drop_replay.hpp"
#include "dropline/config/errors.hpp"
#include "dropline/crypto/hex.hpp"
#include "dropline/shop/receipt.hpp"
#include "rankings.hpp"
#include "source.hpp"

namespace dropline::apps {
namespace {

constexpr std::size_t kMaxReceiptBytes = 64 * 1024;

void print_findings(std::ostream& out, const std::vector<audit::Finding>& findings,
                    std::size_t most, std::string_view mark) {
  std::size_t shown = 0;
  for (const auto& finding : findings) {
    if (shown++ == most) {
      out << "  … and " << findings.size() - most << " more; --most N shows more\n";
      return;
    }
    out << mark << finding.code << ": " << finding.where << ": " << finding.what << '\n';
  }
}

void print(std::ostream& out, const audit::Report& report, std::size_t most) {
  for (const auto& outcome : report.outcomes)
    out << std::setw(8) << outcome.found << "  " << std::left << std::setw(26) << outcome.code
        << std::right << outcome.about
        << (outcome.unsettled ? " (may be on its way: not counted)" : "") << '\n';
  out << '\n'
      << report.records << " records read, " << report.outcomes.size() << " checks, "
      << report.violations() << " violations\n";
  for (const auto& outcome : report.outcomes)
    if (!outcome.findings.empty())
      print_findings(out, outcome.findings, most, outcome.unsettled ? "unsettled " : "violation ");
  if (!report.unsettled.empty())
    out << "the shop did not come to rest: " << report.unsettled
        << "\nwhat is told as unsettled does not count; look again when it has\n";
}

int audit_shop(const config::Invocation& call) {
  Source source;
  if (auto opened = open(source, call.settings()); !opened) return fail(opened.error());
  audit::Options options;
  options.partitions = partitions(call.settings());
  options.topic_prefix = call.settings().text("topics.prefix");
  options.patience = call.own().duration("patience");
  options.read_log = !call.own().boolean("tables_only");
  if (source.keys) options.keys = &source.keys->commands;
  auto report = audit::audit(*source.session, *source.stream, source.clock, options);
  if (!report) return fail(report.error());
  print(call.out(), *report, static_cast<std::size_t>(call.own().integer("most")));
  return report->whole() ? 0 : 1;
}

std::optional<DropId> drop_argument(const config::Invocation& call) {
  const auto drop = DropId::parse(call.argument("ID"));
  if (!drop)
    call.err() << "dropline: ID must be the drop's UUID, such as "
                  "0190a0b0-0000-7000-8000-000000000001\n";
  return drop;
}

audit::DropOptions drop_options(const config::Invocation& call, const Source& source) {
  audit::DropOptions options;
  options.partitions = partitions(call.settings());
  options.topic_prefix = call.settings().text("topics.prefix");
  if (source.keys) options.keys = &source.keys->commands;
  return options;
}

void print(std::ostream& out, const audit::DropOutcome& outcome) {
  out << outcome.records << " records in partition " << outcome.partition << ", " << outcome.orders
      << " orders, " << outcome.winners.size() << " granted\n";
  for (const auto& [sku, units] : outcome.granted)
    out << std::setw(8) << units << "  units of " << sku.text() << " granted\n";
  for (const auto& [reason, orders] : outcome.refused)
    out << std::setw(8) << orders << "  orders refused: " << reason << '\n';
}

int audit_drop(const config::Invocation& call) {
  const auto drop = drop_argument(call);
  if (!drop) return config::kExitUsage;
  Source source;
  if (auto opened = open(source, call.settings()); !opened) return fail(opened.error());
  auto audited = audit::audit_drop(*source.session, *source.stream, source.clock, *drop,
                                   drop_options(call, source));
  if (!audited) return fail(audited.error());
  print(call.out(), audited->outcome);
  call.out() << audited->compared << " decisions compared, " << audited->findings.size()
             << " differ\n";
  print_findings(call.out(), audited->findings,
                 static_cast<std::size_t>(call.own().integer("most")), "violation ");
  return audited->findings.empty() ? 0 : 1;
}

/// "N" for every offer, or "SKU=N".
bool read_stock(const std::string& text, audit::OtherTerms& other) {
  const auto equals = text.find('=');
  const auto digits = equals == std::string::npos ? text : text.substr(equals + 1);
  std::int64_t units = -1;
  const auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), units);
  constexpr std::int64_t kMost = 1'000'000'000;
  if (problem != std::errc{} || end != digits.data() + digits.size() || units < 0 || units > kMost)
    return false;
  if (equals == std::string::npos) {
    other.stock = units;
    return true;
  }
  const auto sku = Sku::parse(text.substr(0, equals));
  if (sku) other.stock_of[*sku] = units;
  return sku.has_value();
}

std::map<OrderId, audit::Winner> by_order(const std::vector<audit::Winner>& winners) {
  std::map<OrderId, audit::Winner> out;
  for (const auto& winner : winners)
    out.emplace(winner.order, winner);
  return out;
}

void print_changed(std::ostream& out, const std::vector<audit::Winner>& from,
                   const std::map<OrderId, audit::Winner>& others, std::string_view sign) {
  for (const auto& winner : from)
    if (!others.contains(winner.order))
      out << sign << " order " << winner.order.text() << " of member " << winner.member.text()
          << " at offset " << winner.offset << ", units " << winner.units << '\n';
}

int replay_drop(const config::Invocation& call) {
  const auto drop = drop_argument(call);
  if (!drop) return config::kExitUsage;
  audit::OtherTerms other;
  for (const auto& stock : call.own().list("stock"))
    if (!read_stock(stock, other)) {
      call.err() << "dropline: --stock must be units of every offer (--stock 200) or of one "
                    "(--stock SHIRT-M=200), not '"
                 << stock << "'\n";
      return config::kExitUsage;
    }
  if (call.own().has("limit")) other.limit = call.own().integer("limit");
  if (other.empty()) {
    call.err() << "dropline: say what would have been other: --stock N, --stock SKU=N, --limit M\n";
    return config::kExitUsage;
  }
  Source source;
  if (auto opened = open(source, call.settings()); !opened) return fail(opened.error());
  const auto options = drop_options(call, source);
  auto was = audit::replay_drop(*source.stream, source.clock, *drop, options);
  if (!was) return fail(was.error());
  auto then = audit::replay_drop(*source.stream, source.clock, *drop, options, other);
  if (!then) return fail(then.error());
  auto& out = call.out();
  out << "as it was: ";
  print(out, *was);
  out << "with other terms: ";
  print(out, *then);
  const auto won = by_order(was->winners);
  const auto would = by_order(then->winners);
  print_changed(out, then->winners, won, "+");
  print_changed(out, was->winners, would, "-");
  std::size_t both = 0;
  for (const auto& [order, winner] : would)
    both += won.contains(order) ? 1 : 0;
  out << would.size() - both << " more would have won, " << won.size() - both
      << " would have lost, " << both << " the same\n";
  return 0;
}

Result<crypto::PublicKey> receipt_key(const config::Invocation& call) {
  if (call.own().has("key")) {
    if (auto key = crypto::PublicKey::parse(call.own().text("key"))) return *key;
    return config::error(config::Errc::usage,
                         "--key must be the shop's public key as `dropline keys` prints it");
  }
  SystemRandom random;
  const auto folder = keys_folder(call.settings());
  if (!std::filesystem::exists(folder / "receipts.key"))
    return config::error(config::Errc::usage,
                         "--key PUBLIC is missing, and there are no keys in " + folder.string() +
                             "; the shop tells its public key, `dropline keys` prints it");
  auto keys = load_keys(folder, false, random);
  if (!keys) return keys.error();
  return keys->receipts.public_key();
}

int verify_receipt(const config::Invocation& call) {
  const auto name = call.argument("FILE");
  std::string text;
  std::ifstream file;
  if (name != "-") {
    file.open(name, std::ios::binary);
    if (!file) return fail(config::error(config::Errc::unreadable_file, name + " cannot be read"));
  }
  auto& in = name == "-" ? std::cin : static_cast<std::istream&>(file);
  text.resize(kMaxReceiptBytes + 1);
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  if (text.empty() || text.size() > kMaxReceiptBytes)
    return fail(config::error(config::Errc::unreadable_file,
                              name + " is empty or longer than a receipt can be"));
  auto key = receipt_key(call);
  if (!key) return fail(key.error());
  auto arrival = shop::verify_receipt(text, *key);
  if (!arrival) {
    call.err() << "dropline: " << name << " is not a good receipt: " << arrival.error().text()
               << "\nIt is the object `receipt` of an answer to POST /v1/orders.\n";
    return 1;
  }
  call.out() << "good: proof and signature hold\norder      " << arrival->order.text()
             << "\ndrop       " << (arrival->drop ? arrival->drop->text() : "(none)")
             << "\nplace      orders.commands/" << arrival->partition << '@'
             << (arrival->offset ? std::to_string(*arrival->offset) : "(not told)")
             << "\ncommand    " << crypto::hex_encode(arrival->command_hash) << "\nheard at   "
             << rfc3339(arrival->time) << '\n';
  return 0;
}

config::Schema own_most() {
  config::Schema own;
  own.integer("most", 20, "Findings shown of one check.").range(1, 1'000);
  return own;
}

}  // namespace

void add_audit_commands(config::CommandLine& line) {
  const std::vector<std::string> sections{"", "keys", "kafka", "topics", "database"};
  const config::Argument id{.name = "ID", .help = "The drop's UUID."};
  auto own = own_most();
  own.duration("patience", std::chrono::seconds(10),
               "How long orders on their way may take to arrive.");
  own.boolean("tables_only", false, "Do not read the topics.");
  line.add({.name = "audit",
            .summary = "Hold tables and topics against the shop's invariants",
            .help = "Reads only, while the shop runs or not: data_dir/dropline.db, or with "
                    "--database-url and --kafka-brokers the distributed shop. Exit code 1 where "
                    "something is wrong.",
            .own = own,
            .sections = sections,
            .examples = {{"dropline audit", "the embedded shop under ./var"}},
            .run = audit_shop});
  line.add({.name = "audit drop",
            .summary = "Judge a drop again from its log and compare each decision",
            .arguments = {id},
            .own = own_most(),
            .sections = sections,
            .examples = {{"dropline audit drop 0190a0b0-0000-7000-8000-0000000000d1", ""}},
            .run = audit_drop});
  line.add({.name = "audit rankings",
            .summary = "Count what was sold again from the log and compare",
            .help = "Reads orders.events as far as the service has. Exit code 1 where the counts "
                    "differ.",
            .own = own_most(),
            .sections = sections,
            .examples = {{"dropline audit rankings", "the embedded shop under ./var"}},
            .run = audit_rankings});
  config::Schema terms;
  terms.list("stock", std::vector<std::string>{},
             "Units of every offer (200) or of one (SHIRT-M=200).");
  terms.integer("limit", std::nullopt, "Units a member, over the whole drop.").range(1, 1'000'000);
  line.add({.name = "replay drop",
            .summary = "Tell who would have won a drop with other terms",
            .arguments = {id},
            .own = terms,
            .sections = sections,
            .examples = {{"dropline replay drop 0190a0b0-0000-7000-8000-0000000000d1 --stock 200",
                          "with 200 units of every offer"}},
            .run = replay_drop});
  config::Schema key;
  key.text("key", std::nullopt, "The shop's public key; without it, that of its keys folder.");
  line.add({.name = "verify receipt",
            .summary = "Check the proof and signature of an order's receipt",
            .help = "It proves that a command stands at a place in the log. An order that was sent "
                    "again has a receipt, and a place, for each time: the earliest counts.",
            .arguments = {{.name = "FILE", .help = "The receipt's JSON; - reads standard input."}},
            .own = key,
            .sections = {"", "keys"},
            .examples = {{"dropline verify receipt receipt.json", ""}},
            .run = verify_receipt});
}

}  // namespace dropline::apps
