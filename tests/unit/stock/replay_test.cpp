// Random drops: the books always add up, and a replay of the same log through the worker, in
// batches of any size, comes to the same rows and says the same.
#include <doctest/doctest.h>

#include <algorithm>
#include <functional>

#include "dropline/contracts/outgoing.hpp"
#include "dropline/stock/stock_worker.hpp"
#include "dropline/store/table.hpp"
#include "dropline/stream/memory.hpp"
#include "dropline/worker/worker.hpp"
#include "place.hpp"
#include "scene.hpp"

using namespace dropline;
using namespace dropline::stock::testing;
using namespace std::chrono_literals;
namespace stock = dropline::stock;

namespace {

/// One record of the log to come, and when it comes.
struct Entry {
  std::string key;
  std::string_view type;
  std::string body;
  bool is_signed = false;
  Timestamp at;
};

/// Deals random commands, judges them by the rules alone and keeps the log.
class Dealer final {
 public:
  explicit Dealer(std::uint64_t seed) : random_(seed) { now_ = kOpens - 1min; }

  void deal(int count) {
    for (int i = 0; i < count; ++i) {
      now_ += std::chrono::milliseconds(random_.below(200));
      step();
      check_books();
    }
  }

  stock::Book book;
  std::vector<Entry> log;
  std::vector<std::string> said;

 private:
  template <class Command>
  void record(const Command& command) {
    log.push_back({command.partition_key(), Command::kType, encode(command),
                   !std::same_as<Command, PlaceOrder>, now_});
  }
  template <class Message>
  void say(const Message& message) {
    said.push_back(std::string(Message::kType) + ' ' + encode(message));
  }
  template <class... Ts>
  void say_any(const std::variant<Ts...>& answer) {
    std::visit(
        [this]<class T>(const T& message) {
          if constexpr (!std::same_as<T, std::monostate>) say(message);
        },
        answer);
  }
  stock::Placed next() { return {{0, static_cast<std::int64_t>(log.size()) - 1}, now_}; }

  std::optional<DropId> some_drop() {
    const auto number = random_.below(4);
    if (number == 3) return std::nullopt;
    return drop(static_cast<std::uint32_t>(number));
  }
  Sku some_sku() { return sku(std::string(1, static_cast<char>('a' + random_.below(4)))); }
  ProductId some_product() { return product(static_cast<std::uint32_t>(random_.below(8) == 0)); }
  std::optional<std::int64_t> some_limit() {
    if (random_.below(2) == 0) return std::nullopt;
    return static_cast<std::int64_t>(1 + random_.below(5));
  }

  void place() {
    if (!placed_.empty() && random_.below(6) == 0) {
      auto again = placed_[random_.below(placed_.size())];
      if (random_.below(3) == 0) {
        again.lines[0].quantity += 1;
        again.body_hash = body_hash(again);
      }
      return judge_now(again);
    }
    std::vector<std::pair<std::string, std::int32_t>> lines;
    for (const char* name : {"a", "b", "c", "d"})
      if (random_.below(3) == 0)
        lines.emplace_back(name, static_cast<std::int32_t>(1 + random_.below(3)));
    if (lines.empty()) lines.emplace_back("a", 1);
    auto order = order_of(member(static_cast<std::uint32_t>(random_.below(7))), some_drop(), lines,
                          "k" + std::to_string(log.size()));
    if (random_.below(8) == 0) order.expected_total = won(10);
    order.body_hash = body_hash(order);
    placed_.push_back(order);
    judge_now(order);
  }
  void judge_now(const PlaceOrder& order) {
    record(order);
    say_any(stock::judge(book, order, next()));
  }

  template <class Command>
  void change_now(Command command) {
    command.change = change_id(static_cast<std::uint32_t>(
        random_.below(10) == 0 ? random_.below(log.size() + 1) : log.size()));
    command.actor = {ActorKind::admin, "ann"};
    record(command);
    say_any(stock::change(book, command, next()));
  }
  template <class Command>
  Command of_offer() {
    Command command;
    command.drop = some_drop();
    command.product = some_product();
    command.sku = some_sku();
    if constexpr (requires { command.reason; }) command.reason = "because";
    return command;
  }
  template <class Command>
  void turn() {
    Command command;
    command.drop = drop(static_cast<std::uint32_t>(random_.below(3)));
    command.reason = "because";
    change_now(command);
  }
  void open() {
    OpenDrop command;
    command.drop = drop(static_cast<std::uint32_t>(random_.below(3)));
    command.revision = static_cast<std::int64_t>(1 + random_.below(log.size() + 1));
    for (const char* name : {"a", "b", "c", "d"})
      if (random_.below(3) != 0)
        command.terms.offers.push_back(
            {sku(name), some_product(), won(static_cast<std::int64_t>(random_.below(20))),
             static_cast<std::int64_t>(random_.below(12)), some_limit()});
    if (command.terms.offers.empty()) return;
    command.terms.limit_per_member = some_limit();
    if (random_.below(2) == 0)
      command.terms.product_limits = std::vector{ProductLimit{command.terms.offers[0].product, 4}};
    command.terms.opens_at = now_ + std::chrono::milliseconds(random_.below(2'000));
    command.terms.closes_at = command.terms.opens_at + 20s;
    change_now(command);
  }
  template <class Command>
  Command batch() {
    Command command;
    command.drop = some_drop();
    const auto who = member(static_cast<std::uint32_t>(random_.below(7)));
    if (!command.drop) command.member = who;
    for (int i = 0; i < 3 && !placed_.empty(); ++i) {
      const auto& order = placed_[random_.below(placed_.size())];
      typename decltype(command.orders)::value_type named;
      named.order_id = order.order_id;
      named.member = command.drop ? order.member : who;
      if (std::ranges::find(command.orders, named.order_id, &decltype(named)::order_id) ==
          command.orders.end())
        command.orders.push_back(named);
    }
    return command;
  }

  void step() {
    switch (random_.below(30)) {
      case 0:
      case 1:
        return open();
      case 2:
        return random_.below(2) == 0 ? turn<PauseDrop>() : turn<ResumeDrop>();
      case 3:
        return turn<ResumeDrop>();
      case 4:
        return random_.below(8) == 0 ? turn<EndDrop>() : turn<ResumeDrop>();
      case 5: {
        auto command = of_offer<Restock>();
        command.units = static_cast<std::int64_t>(1 + random_.below(5));
        return change_now(command);
      }
      case 6: {
        auto command = of_offer<CorrectStock>();
        command.delta = static_cast<std::int64_t>(random_.below(9)) - 4;
        if (command.delta == 0) return;
        return change_now(command);
      }
      case 7: {
        auto command = of_offer<PutOffer>();
        command.price = won(static_cast<std::int64_t>(random_.below(20)));
        command.units = static_cast<std::int64_t>(random_.below(9));
        command.limit = some_limit();
        if (random_.below(4) == 0) command.withdrawn = random_.below(3) != 0;
        return change_now(command);
      }
      case 8:
      case 9:
      case 10: {
        const auto command = batch<ReleaseUnits>();
        if (command.orders.empty()) return;
        record(command);
        for (const auto& released : stock::release(book, command, next()))
          say(released);
        return;
      }
      case 11:
      case 12: {
        const auto command = batch<SettleUnits>();
        if (command.orders.empty()) return;
        record(command);
        if (const auto settled = stock::settle(book, command, next())) say(*settled);
        return;
      }
      default:
        return place();
    }
  }

  void check_books() const {
    std::map<stock::OfferKey, std::int64_t> allocated;
    std::map<stock::OfferKey, std::int64_t> settled;
    std::map<stock::HoldingKey, std::int64_t> held;
    for (const auto& [id, order] : book.orders) {
      if (order.outcome != StockOutcome::reserved) continue;
      for (const auto& line : order.lines) {
        allocated[{order.drop, line.sku}] += line.quantity;
        if (order.settled) settled[{order.drop, line.sku}] += line.quantity;
        held[{order.drop, order.member, line.sku}] += line.quantity;
      }
    }
    for (const auto& [key, offer] : book.offers) {
      REQUIRE(offer.free() >= 0);
      REQUIRE(offer.allocated == allocated[key]);
      REQUIRE(offer.settled == settled[key]);
      REQUIRE(offer.settled <= offer.allocated);
      REQUIRE(stock::level_of(offer).check().has_value());
    }
    for (const auto& [key, holding] : book.holdings)
      REQUIRE(holding.units == held[key]);
  }

  SeededRandom random_;
  Timestamp now_;
  std::vector<PlaceOrder> placed_;
};

std::vector<stream::TopicSpec> topics() {
  return topic_specs(1, "");
}

/// Rows as text; without `version` and when a change was noted, which count batches.
std::vector<std::string> dump(store::Session& session) {
  using store::Type;
  struct Part {
    const char* sql;
    std::initializer_list<Type> types;
  };
  const Part parts[] = {
      {"SELECT drop_id, revision, standing, opens_at, closes_at, limit_per_member, lists, shard, "
       "place_partition, place_offset, at FROM {drops} ORDER BY drop_id",
       {Type::uuid, Type::int64, Type::text, Type::int64, Type::int64, Type::int64, Type::text,
        Type::int64, Type::int64, Type::int64, Type::int64}},
      {"SELECT drop_id, sku, product, price, currency, member_limit, supplied, free, allocated, "
       "settled, written_off, shard, place_partition, place_offset, at, withdrawn FROM {offers} "
       "ORDER BY drop_id, sku",
       {Type::uuid, Type::text, Type::uuid, Type::int64, Type::text, Type::int64, Type::int64,
        Type::int64, Type::int64, Type::int64, Type::int64, Type::int64, Type::int64, Type::int64,
        Type::int64, Type::boolean}},
      {"SELECT order_id, member, drop_id, outcome, reason, body_hash, place_partition, "
       "place_offset, placed_at, total, currency, lines, settled FROM {orders} ORDER BY order_id",
       {Type::uuid, Type::uuid, Type::uuid, Type::text, Type::text, Type::text, Type::int64,
        Type::int64, Type::int64, Type::int64, Type::text, Type::text, Type::boolean}},
      {"SELECT drop_id, member, sku, product, units FROM {holdings} "
       "ORDER BY drop_id, member, sku",
       {Type::uuid, Type::uuid, Type::text, Type::uuid, Type::int64}},
      {"SELECT change_id FROM {changes} ORDER BY change_id", {Type::uuid}}};
  std::vector<std::string> out;
  for (const auto& part : parts) {
    const auto rows = store::query(session, {"dump", "stock", part.sql}, {}, part.types);
    REQUIRE_MESSAGE(rows.has_value(), (rows ? "" : rows.error().text()));
    const auto& cells = rows->cells();
    for (std::size_t r = 0; r < cells.rows(); ++r) {
      std::string line;
      for (std::size_t c = 0; c < cells.columns(); ++c) {
        if (cells.is_null(r, c))
          line += "-";
        else if (cells.type(c) == Type::int64)
          line += std::to_string(cells.int64(r, c));
        else if (cells.type(c) == Type::boolean)
          line += cells.boolean(r, c) ? "t" : "f";
        else if (cells.type(c) == Type::uuid)
          line += cells.uuid(r, c).text();
        else
          line += cells.bytes(r, c);
        line += '|';
      }
      out.push_back(std::move(line));
    }
  }
  return out;
}

/// A broker, a database and workers that come and go, on one thread.
class Replay final {
 public:
  Replay(const std::vector<Entry>& log, std::size_t batch, std::uint64_t seed) : random_(seed) {
    REQUIRE(keys_.add("1", "a secret of sixteen bytes"));
    REQUIRE(outside_.admin(1s).value()->ensure_topics(topics()));
    producer_ = outside_.producer([](auto) {}).value();
    clock_.jump(log.front().at - clock_.now());
    int id = 0;
    for (const auto& entry : log) {
      clock_.advance(entry.at - clock_.now());
      append(entry, std::to_string(++id));
      outside_.pump();
    }
    run(batch, log.size());
  }

  std::vector<std::string> rows() {
    auto session = place_->database().open().value();
    return dump(session);
  }
  std::vector<std::string> events() { return read("stock.events"); }
  std::vector<std::string> dead() { return read("orders.commands.dead"); }
  std::map<std::string, std::string> levels() {
    std::map<std::string, std::string> last;
    for (const auto& text : read("stock.levels", true)) {
      if (text.starts_with("ShardHeartbeat")) continue;
      const auto tab = text.find('\t');
      last[text.substr(0, tab)] = text.substr(tab + 1);
    }
    return last;
  }

 private:
  void append(const Entry& entry, const std::string& id) {
    Attributes attributes;
    attributes.id = id;
    attributes.source = "ingress/1";
    attributes.type = entry.type;
    attributes.time = clock_.now();
    std::string signature;
    if (entry.is_signed) {
      signature = keys_.sign(attributes, entry.key, entry.body);
      attributes.signature = signature;
    }
    const EnvelopeHeaders headers(attributes);
    REQUIRE(producer_->send(
        {"orders.commands", entry.key, entry.body, headers.list(), std::nullopt}, 0));
  }

  /// Reads all, with a new worker now and then.
  void run(std::size_t batch, std::size_t records) {
    const auto end = static_cast<std::int64_t>(records);
    for (int life = 0; life < 100; ++life) {
      stock::StockWorker service;
      stream::MemoryStream own(log_);
      worker::Worker::Parts parts{.service = service,
                                  .database = place_->database(),
                                  .stream = own,
                                  .clock = clock_,
                                  .random = random_,
                                  .keys = keys_,
                                  .member = "w" + std::to_string(life)};
      parts.loop.partitions = 1;
      parts.loop.max_records = batch;
      auto worker = worker::Worker::start(std::move(parts)).value();
      // Levels are read back too; a second life would publish its predecessor's last batch again.
      for (int turn = 0; turn < 60 + kTurns * static_cast<int>(records / batch); ++turn) {
        outside_.pump();
        worker->step(0ms);
        own.pump();
        clock_.advance(10ms);
      }
      INFO(worker->health());
      worker->drain(1s);
      if (position() >= end) return;
    }
    FAIL("the log was not read to its end");
  }
  std::int64_t position() {
    auto session = place_->database().open().value();
    const auto rows = store::query(session, {"count", "stock", "SELECT positions FROM {shards}"},
                                   {}, {store::Type::text});
    REQUIRE(rows.has_value());
    if (rows->empty()) return 0;
    const auto positions = worker::parse_positions(rows->front().text(0)).value();
    const auto found = positions.find("orders.commands");
    return found == positions.end() ? 0 : found->second.next;
  }

  std::vector<std::string> read(const std::string& topic, bool keyed = false) {
    auto consumer = outside_.consumer().value();
    const stream::Position from{{topic, 0}, stream::Position::kStart};
    REQUIRE(consumer->assign({&from, 1}));
    std::vector<std::string> out;
    for (int quiet = 0; quiet < 3;) {
      const auto batch = consumer->poll(1'000, 0ms).value();
      quiet = batch.empty() ? quiet + 1 : 0;
      for (const auto& record : batch.records()) {
        std::string text(record.header("ce_type").value_or("?"));
        text += keyed ? ' ' + std::string(record.key.value_or("")) + '\t' : std::string(" ");
        out.push_back(text + std::string(record.value.value_or("-")));
      }
    }
    return out;
  }

  static constexpr int kTurns = 6;

  ManualClock clock_;
  SeededRandom random_;
  CommandKeys keys_;
  std::shared_ptr<stream::MemoryLog> log_ = std::make_shared<stream::MemoryLog>(
      stream::MemoryLogOptions{.clock = &clock_, .threads = false});
  stream::MemoryStream outside_{log_};
  std::unique_ptr<Place> place_ = make_place(clock_);
  std::unique_ptr<stream::Producer> producer_;
};

/// Where two lists part, for the message of a failure.
std::string difference(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  for (std::size_t i = 0; i < std::max(a.size(), b.size()); ++i)
    if (i >= a.size() || i >= b.size() || a[i] != b[i])
      return std::to_string(i) + ":\n" + (i < a.size() ? a[i] : "(end)") + '\n' +
             (i < b.size() ? b[i] : "(end)");
  return {};
}

}  // namespace

TEST_CASE("whatever is asked in whatever order, the books add up") {
  const auto base = SystemRandom().next();
  for (std::uint64_t i = 0; i < 30; ++i) {
    const auto seed = base + i;
    CAPTURE(seed);
    Dealer dealer(seed);
    dealer.deal(300);
  }
}

TEST_CASE(
    "a log replayed in batches of any size comes to the rows and answers of the rules alone") {
  const auto seed = SystemRandom().next();
  CAPTURE(seed);
  Dealer dealer(seed);
  dealer.deal(600);
  REQUIRE(dealer.log.size() > 400);
  std::vector<std::string> rows;
  std::map<std::string, std::string> levels;
  for (const std::size_t batch : {std::size_t{2'000}, std::size_t{1}, std::size_t{17}}) {
    CAPTURE(batch);
    Replay replay(dealer.log, batch, seed);
    CHECK(replay.dead().empty());
    const auto events = replay.events();
    CHECK_MESSAGE(events == dealer.said, difference(events, dealer.said));
    auto mine = replay.rows();
    if (rows.empty()) rows = mine;
    CHECK_MESSAGE(mine == rows, difference(mine, rows));
    CHECK(mine.size() == dealer.book.drops.size() + dealer.book.offers.size() +
                             dealer.book.orders.size() + dealer.book.holdings.size() +
                             dealer.book.changes.size());
    // What readers of levels end up with, whichever batches they came in.
    auto shown = replay.levels();
    for (auto& [key, value] : shown) {
      const auto at = value.find("\"version\":");
      const auto end = value.find(',', at);
      REQUIRE(at != std::string::npos);
      value.erase(at, end - at);
    }
    if (levels.empty()) levels = shown;
    CHECK(shown == levels);
    CHECK(shown.size() == dealer.book.drops.size() + dealer.book.offers.size());
  }
}
