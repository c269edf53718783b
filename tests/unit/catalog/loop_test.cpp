// Catalog on a stream in memory: batches of any size, copies, late states, and stock beside it.
#include <algorithm>
#include <map>
#include <set>

#include "dropline/catalog/catalog_worker.hpp"
#include "dropline/contracts/body_hash.hpp"
#include "dropline/contracts/order_id.hpp"
#include "dropline/contracts/outgoing.hpp"
#include "dropline/contracts/stock_events.hpp"
#include "dropline/contracts/stock_levels.hpp"
#include "dropline/stock/stock_worker.hpp"
#include "dropline/store/table.hpp"
#include "dropline/stream/memory.hpp"
#include "dropline/stream/partitioner.hpp"
#include "dropline/worker/worker.hpp"
#include "place.hpp"
#include "scene.hpp"

using namespace dropline;
using namespace dropline::catalog::testing;
using namespace std::chrono_literals;
namespace catalog = dropline::catalog;

namespace {

struct Said {
  std::string type;
  std::string key;
  std::string body;
  std::int32_t partition = 0;
};

/// A broker, a database, and the services asked for, on one thread.
class Shop final {
 public:
  explicit Shop(std::int32_t partitions = 1, std::size_t batch = 2'000, bool with_stock = false)
      : partitions_(partitions), batch_(batch), with_stock_(with_stock) {
    REQUIRE(keys_.add("1", "a secret of sixteen bytes"));
    REQUIRE(outside_.admin(1s).value()->ensure_topics(topic_specs(partitions, "")));
    producer_ = outside_.producer([](auto) {}).value();
    clock_.jump(kBefore - clock_.now());
  }

  void at(Timestamp when) {
    if (when > clock_.now()) clock_.advance(when - clock_.now());
  }
  [[nodiscard]] Timestamp now() const { return clock_.now(); }

  template <class Message>
  void say(const Message& message) {
    raw(Message::kTopic, Message::kType, message.partition_key(), encode(message), "ingress/1",
        std::nullopt, worker::kIsSigned<Message>);
  }
  void raw(std::string_view topic, std::string_view type, const std::string& key,
           const std::string& body, std::string_view source, std::optional<std::int32_t> partition,
           bool is_signed) {
    const auto id = "1-" + std::to_string(++said_);
    Attributes attributes;
    attributes.id = id;
    attributes.source = source;
    attributes.type = type;
    attributes.time = clock_.now();
    std::string signature;
    if (is_signed) {
      signature = keys_.sign(attributes, key, body);
      attributes.signature = signature;
    }
    const EnvelopeHeaders headers(attributes);
    REQUIRE(producer_->send({topic, key, body, headers.list(), partition}, 0));
    outside_.pump();
  }

  /// Until the services have nothing more to do for a while.
  void run(int turns = 40) {
    if (seats_.empty()) start();
    for (int turn = 0; turn < turns; ++turn) {
      outside_.pump();
      for (auto& seat : seats_) {
        if (seat->worker->step(0ms)) turn = std::min(turn, turns / 2);
        seat->own.pump();
      }
      clock_.advance(1ms);
    }
    for (auto& seat : seats_)
      CHECK(seat->worker->health().empty());
  }
  void restart() {
    for (auto& seat : seats_)
      seat->worker->drain(1s);
    seats_.clear();
    run();
  }

  /// What was said, once: a new owner may publish its predecessor's last batch again.
  std::vector<Said> read(const std::string& topic) {
    std::vector<Said> out;
    std::set<std::pair<std::string, std::string>> seen;
    for (std::int32_t p = 0; p < partitions_; ++p) {
      auto consumer = outside_.consumer().value();
      const stream::Position from{{topic, p}, stream::Position::kStart};
      REQUIRE(consumer->assign({&from, 1}));
      for (int quiet = 0; quiet < 3;) {
        const auto records = consumer->poll(1'000, 0ms).value();
        quiet = records.empty() ? quiet + 1 : 0;
        for (const auto& record : records.records()) {
          const std::pair said{std::string(record.header("ce_source").value_or("")),
                               std::string(record.header("ce_id").value_or(""))};
          const auto type = record.header("ce_type").value_or("?");
          if (type == ShardHeartbeat::kType || !seen.insert(said).second) continue;
          out.push_back({std::string(type), std::string(record.key.value_or("")),
                         std::string(record.value.value_or("-")), p});
        }
      }
    }
    return out;
  }
  std::vector<std::string> texts(const std::string& topic) {
    std::vector<std::string> out;
    for (const auto& said : read(topic))
      out.push_back(said.type + ' ' + said.body);
    return out;
  }
  /// What readers of `catalog.products` end up with: the highest version of each key.
  std::map<std::string, std::string> shelf() {
    std::map<std::string, std::pair<std::int64_t, std::string>> highest;
    for (const auto& said : read("catalog.products")) {
      const auto product = decode<ProductState>(said.body);
      const auto version = product ? product->version : decode<DropListing>(said.body)->version;
      auto& entry = highest[said.key];
      if (version >= entry.first) entry = {version, said.body};
    }
    std::map<std::string, std::string> out;
    for (const auto& [key, entry] : highest)
      out[key] = entry.second;
    return out;
  }
  std::vector<std::string> answers() {
    std::vector<std::string> out;
    for (const auto& said : read("catalog.events"))
      out.push_back(said.type == CatalogChanged::kType
                        ? words(decode<CatalogChanged>(said.body).value())
                        : words(decode<CatalogChangeRefused>(said.body).value()));
    return out;
  }
  std::int64_t seq() {
    auto session = place_->database().open().value();
    const auto rows = store::query(session, {"seq", "catalog", "SELECT sum(seq) FROM {shards}"}, {},
                                   {store::Type::int64});
    return rows.value().front().int64(0);
  }
  [[nodiscard]] std::int32_t partition(std::string_view key) const {
    return stream::partition_of(key, partitions_);
  }

 private:
  struct Seat {
    Seat(std::unique_ptr<worker::Service> what, const std::shared_ptr<stream::MemoryLog>& log)
        : service(std::move(what)), own(log) {}
    std::unique_ptr<worker::Service> service;
    stream::MemoryStream own;
    std::unique_ptr<worker::Worker> worker;
  };
  void start() {
    seat(std::make_unique<catalog::CatalogWorker>());
    if (with_stock_) seat(std::make_unique<stock::StockWorker>());
  }
  void seat(std::unique_ptr<worker::Service> service) {
    auto seat = std::make_unique<Seat>(std::move(service), log_);
    worker::Worker::Parts parts{.service = *seat->service,
                                .database = place_->database(),
                                .stream = seat->own,
                                .clock = clock_,
                                .random = random_,
                                .keys = keys_,
                                .member = "w"};
    parts.loop.partitions = partitions_;
    parts.loop.max_records = batch_;
    seat->worker = worker::Worker::start(std::move(parts)).value();
    seats_.push_back(std::move(seat));
  }

  std::int32_t partitions_;
  std::size_t batch_;
  bool with_stock_;
  ManualClock clock_;
  SeededRandom random_{11};
  CommandKeys keys_;
  std::shared_ptr<stream::MemoryLog> log_ = std::make_shared<stream::MemoryLog>(
      stream::MemoryLogOptions{.clock = &clock_, .threads = false});
  stream::MemoryStream outside_{log_};
  std::unique_ptr<Place> place_ = make_place(clock_);
  std::unique_ptr<stream::Producer> producer_;
  std::vector<std::unique_ptr<Seat>> seats_;
  int said_ = 0;
};

/// Random commands, kept as they were dealt, with what the rules alone make of them.
class Dealer final {
 public:
  explicit Dealer(std::uint64_t seed) : random_(seed) {}

  void deal(int count) {
    for (int i = 0; i < count; ++i) {
      now_ += std::chrono::minutes(random_.below(8));
      step();
    }
  }

  struct Entry {
    std::variant<PutProduct, RetireProduct, ScheduleDrop> command;
    Timestamp at;
  };
  std::vector<Entry> log;
  std::vector<std::string> said;      ///< answers
  std::vector<std::string> proposed;  ///< for stock
  catalog::Book book;

 private:
  std::uint32_t pick(std::uint32_t below) {
    return static_cast<std::uint32_t>(random_.below(below));
  }
  std::uint32_t change() {
    const auto next = static_cast<std::uint32_t>(log.size());
    return pick(10) == 0 ? pick(next + 1) : next;
  }
  std::string name() { return std::string(1, static_cast<char>('a' + pick(12))); }

  void step() {
    const auto what = pick(16);
    if (what == 0 && pick(4) == 0) return take(retire(change(), pick(kProducts)));
    if (what == 1 && !log.empty()) {
      const auto again = log[pick(static_cast<std::uint32_t>(log.size()))].command;
      return std::visit([this](const auto& command) { take(command); }, again);
    }
    if (what < 8) {
      std::map<std::string, ProductOption> options;
      for (auto i = 1 + pick(3); i > 0; --i) {
        const auto sku = name();
        options[sku] = option(sku);
        if (pick(2) == 0) options[sku] = option(sku, pick(20), 1 + pick(3));
      }
      std::vector<ProductOption> list;
      for (auto& [sku, each] : options)
        list.push_back(each);
      return take(put(change(), pick(kProducts), list));
    }
    std::map<std::string, OfferTerms> offers;
    for (auto i = 1 + pick(2); i > 0; --i) {
      const auto sku = name();
      offers[sku] = terms(sku, owner(sku));
    }
    std::vector<OfferTerms> list;
    for (auto& [sku, each] : offers)
      list.push_back(each);
    auto command = schedule(change(), pick(5), list);
    command.terms.opens_at = now_ + std::chrono::minutes(pick(120)) - 20min;
    command.terms.closes_at = command.terms.opens_at + std::chrono::minutes(1 + pick(200));
    take(command);
  }
  /// Most often the right product.
  std::uint32_t owner(const std::string& name) {
    const auto found = book.skus.find(sku(name));
    for (std::uint32_t i = 0; i < kProducts && pick(40) != 0; ++i)
      if (found != book.skus.end() && found->second == product(i)) return i;
    return pick(kProducts + 1);
  }

  template <class Command>
  void take(const Command& command) {
    log.push_back({command, now_});
    const auto decision = catalog::decide(book, command, {0, now_});
    std::visit(
        [this]<class T>(const T& answer) {
          said.push_back(std::string(T::kType) + ' ' + encode(answer));
        },
        decision.answer);
    if (decision.proposal)
      proposed.push_back(std::string(OpenDrop::kType) + ' ' + encode(*decision.proposal));
    for (const auto& offer : decision.offers)
      proposed.push_back(std::string(PutOffer::kType) + ' ' + encode(offer));
  }

  static constexpr std::uint32_t kProducts = 8;

  SeededRandom random_;
  Timestamp now_ = kBefore;
};

PlaceOrder order_of(std::uint32_t who, const std::optional<DropId>& of, std::string_view name,
                    const std::string& key) {
  PlaceOrder order;
  order.member = member(who);
  order.drop = of;
  order.lines.push_back({sku(name), 1});
  order.idempotency_key = key;
  order.order_id = make_order_id(order.member, of, key);
  order.body_hash = body_hash(order);
  return order;
}

/// "reserved", or why not, of the last decision about an order.
std::string decided(Shop& shop, const PlaceOrder& order) {
  std::string out;
  for (const auto& said : shop.read("stock.events")) {
    if (said.type == StockReserved::kType &&
        decode<StockReserved>(said.body)->order_id == order.order_id)
      out = "reserved";
    if (said.type == StockRefused::kType &&
        decode<StockRefused>(said.body)->order_id == order.order_id)
      out = to_text(decode<StockRefused>(said.body)->reason);
  }
  return out;
}

std::string place_and_wait(Shop& shop, const PlaceOrder& order) {
  shop.say(order);
  shop.run();
  return decided(shop, order);
}

}  // namespace

TEST_CASE("a log read in batches of any size comes to the answers and rows of the rules alone") {
  const auto seed = SystemRandom().next();
  CAPTURE(seed);
  Dealer dealer(seed);
  dealer.deal(250);
  const auto refusals = std::ranges::count_if(
      dealer.said, [](const auto& text) { return text.starts_with("CatalogChangeRefused"); });
  REQUIRE(refusals > 10);
  REQUIRE(dealer.proposed.size() > 10);
  for (const std::size_t batch : {std::size_t{2'000}, std::size_t{1}, std::size_t{17}}) {
    CAPTURE(batch);
    Shop shop(1, batch);
    for (const auto& entry : dealer.log) {
      shop.at(entry.at);
      std::visit([&shop](const auto& command) { shop.say(command); }, entry.command);
    }
    shop.run();
    CHECK(shop.texts("catalog.events") == dealer.said);
    CHECK(shop.texts("orders.commands") == dealer.proposed);
    CHECK(shop.texts("catalog.commands.dead").empty());
    const auto shelf = shop.shelf();
    CHECK(shelf.size() == dealer.book.products.size() + dealer.book.drops.size());
    for (const auto& [id, product] : dealer.book.products)
      CHECK(shelf.at(id.text()) == encode(product.state));
    for (const auto& [id, drop] : dealer.book.drops)
      CHECK(shelf.at(id.text()) == encode(drop.listing));
  }
}

TEST_CASE("a command sent twice is answered twice and proposed once, also by another owner") {
  Shop shop(4);
  const auto product_one = put(1, 1, {option("a", 10), option("b")});
  const auto drop_one = schedule(2, 1, {terms("b", 1)});
  shop.say(product_one);
  shop.say(product_one);
  shop.run();
  shop.say(drop_one);
  shop.run();
  shop.restart();
  shop.say(product_one);
  shop.say(drop_one);
  shop.run();
  auto answers = shop.answers();
  CHECK(answers == std::vector<std::string>(5, "changed 1"));
  CHECK(shop.read("orders.commands").size() == 2);
  CHECK(shop.shelf().size() == 2);
}

TEST_CASE("a SKU taken in one shard is taken in all, and a drop reads products of every shard") {
  Shop shop(8);
  std::uint32_t other = 2;
  while (shop.partition(product(other).text()) == shop.partition(product(1).text()))
    ++other;
  std::uint32_t elsewhere = 1;
  while (shop.partition(drop(elsewhere).text()) == shop.partition(product(1).text()))
    ++elsewhere;
  shop.say(put(1, 1, {option("a")}));
  shop.run();
  shop.say(put(2, other, {option("a")}));
  shop.say(put(3, other, {option("c")}));
  shop.run();
  shop.say(schedule(4, elsewhere, {terms("a", 1), terms("c", other)}));
  shop.run();
  auto answers = shop.answers();
  std::ranges::sort(answers);
  CHECK(answers ==
        std::vector<std::string>{"changed 1", "changed 1", "changed 1", "refused sku_taken a"});
  for (const auto& said : shop.read("catalog.products"))
    CHECK(said.partition == shop.partition(said.key));
  for (const auto& said : shop.read("orders.commands"))
    CHECK(said.partition == shop.partition(drop(elsewhere).text()));
}

TEST_CASE("what is unsigned, wrongly keyed or broken is set aside, and the partition goes on") {
  Shop shop;
  const auto good = put(1, 1, {option("a")});
  shop.raw("catalog.commands", "PutProduct", good.partition_key(), encode(good), "ingress/1", {},
           false);
  shop.raw("catalog.commands", "PutProduct", product(2).text(), encode(good), "ingress/1", {},
           true);
  shop.raw("catalog.commands", "PutProduct", good.partition_key(), "{}", "ingress/1", {}, true);
  shop.raw("catalog.commands", "Dance", good.partition_key(), encode(good), "ingress/1", {}, true);
  auto twice = put(2, 1, {option("a"), option("a")});
  shop.say(twice);
  shop.say(good);
  shop.run();
  CHECK(shop.read("catalog.commands.dead").size() == 5);
  CHECK(shop.answers() == std::vector<std::string>{"changed 1"});
}

TEST_CASE("a state appended late is followed by what is in force, and only then") {
  Shop shop(2);
  shop.say(put(1, 1, {option("a")}));
  shop.run();
  shop.say(put(2, 1, {option("a"), option("b")}));
  shop.say(schedule(3, 1, {terms("a", 1)}));
  shop.run();
  auto later = schedule(4, 1, {terms("a", 1, 11)});
  shop.say(later);
  shop.run();

  const auto of = [&shop](const std::string& key) {
    std::vector<std::string> out;
    for (const auto& said : shop.read("catalog.products"))
      if (said.key == key) out.push_back(said.body);
    return out;
  };
  const auto append = [&shop](std::string_view type, const std::string& key,
                              const std::string& body) {
    const auto home = shop.partition(key);
    shop.raw("catalog.products", type, key, body, "catalog/" + std::to_string(home), home, false);
    shop.run();
  };
  const auto p = product(1).text();
  const auto d = drop(1).text();
  for (int owner = 0; owner < 2; ++owner) {
    CAPTURE(owner);
    const auto products = of(p);
    const auto drops = of(d);
    const auto in_force = std::pair{products.back(), drops.back()};
    append("ProductState", p, products.front());
    append("DropListing", d, drops.front());
    CHECK(of(p).size() == products.size() + 2);
    CHECK(of(d).size() == drops.size() + 2);
    CHECK(of(p).back() == in_force.first);
    CHECK(of(d).back() == in_force.second);
    const auto seq = shop.seq();
    append("ProductState", p, in_force.first);
    append("DropListing", d, in_force.second);
    append("ProductState", product(9).text(), in_force.first);
    append("DropListing", "nobody", "{");
    CHECK(shop.seq() == seq);
    shop.restart();
  }
  CHECK(shop.read("catalog.products.dead").empty());
}

TEST_CASE("a drop that was scheduled opens by append time and closes by it") {
  Shop shop(4, 2'000, true);
  shop.say(put(1, 1, {option("a")}));
  shop.run();
  shop.say(schedule(2, 1, {terms("a", 1, 10, 2)}));
  shop.run();
  CHECK(place_and_wait(shop, order_of(1, drop(1), "a", "early")) == "not_open");
  shop.restart();
  shop.at(kOpens);
  CHECK(place_and_wait(shop, order_of(1, drop(1), "a", "k1")) == "reserved");
  CHECK(place_and_wait(shop, order_of(2, drop(1), "a", "k2")) == "reserved");
  CHECK(place_and_wait(shop, order_of(3, drop(1), "a", "k3")) == "all_held");
  shop.say(schedule(3, 1, {terms("a", 1, 10, 9)}));
  shop.run();
  CHECK(std::ranges::count(shop.answers(), "refused drop_open") == 1);
  shop.at(kCloses);
  CHECK(place_and_wait(shop, order_of(4, drop(1), "a", "k4")) == "drop_closed");
}

TEST_CASE("new terms before the opening are in force at the opening, revision by revision") {
  Shop shop(4, 2'000, true);
  shop.say(put(1, 1, {option("a"), option("b")}));
  shop.run();
  shop.say(schedule(2, 1, {terms("a", 1)}));
  shop.say(schedule(3, 1, {terms("b", 1)}));
  shop.run();
  shop.at(kOpens);
  CHECK(place_and_wait(shop, order_of(1, drop(1), "a", "k1")) == "unknown_product");
  CHECK(place_and_wait(shop, order_of(1, drop(1), "b", "k2")) == "reserved");
  std::int64_t revision = 0;
  for (const auto& said : shop.read("stock.levels"))
    if (said.type == DropLevel::kType) revision = decode<DropLevel>(said.body)->revision;
  CHECK(revision == 2);
}

TEST_CASE("an ordinary option sells while it has a price, and never after its product retired") {
  Shop shop(4, 2'000, true);
  shop.say(put(1, 1, {option("a", 10), option("b", 5)}));
  shop.run();
  Restock restock;
  restock.product = product(1);
  restock.reason = "delivery";
  restock.units = 9;
  restock.actor = {ActorKind::admin, "ann"};
  for (const char* name : {"a", "b"}) {
    restock.change = change_id(name[0] == 'a' ? 100 : 101);
    restock.sku = sku(name);
    shop.say(restock);
  }
  shop.run();
  const auto bought = order_of(1, std::nullopt, "a", "k1");
  CHECK(place_and_wait(shop, bought) == "reserved");
  shop.say(put(2, 1, {option("a"), option("b", 6)}));
  shop.run();
  CHECK(place_and_wait(shop, order_of(2, std::nullopt, "a", "k2")) == "unknown_product");
  CHECK(place_and_wait(shop, order_of(2, std::nullopt, "b", "k3")) == "reserved");
  shop.say(put(3, 1, {option("a", 11), option("b", 6)}));
  shop.run();
  CHECK(place_and_wait(shop, order_of(3, std::nullopt, "a", "k4")) == "reserved");
  shop.say(retire(4, 1));
  shop.run();
  CHECK(place_and_wait(shop, order_of(4, std::nullopt, "a", "k5")) == "unknown_product");
  CHECK(place_and_wait(shop, order_of(4, std::nullopt, "b", "k6")) == "unknown_product");
}
