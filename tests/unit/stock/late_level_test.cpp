// The owner of a shard follows its own levels: what comes late is followed by what is in force.
#include <doctest/doctest.h>

#include "dropline/contracts/outgoing.hpp"
#include "dropline/stock/stock_worker.hpp"
#include "dropline/store/table.hpp"
#include "dropline/stream/memory.hpp"
#include "dropline/stream/partitioner.hpp"
#include "dropline/worker/worker.hpp"
#include "place.hpp"
#include "scene.hpp"

using namespace dropline;
using namespace dropline::stock::testing;
using namespace std::chrono_literals;
namespace stock = dropline::stock;

namespace {

constexpr std::int32_t kPartitions = 2;

/// A broker, a database and one owner of everything, on one thread.
class Shop final {
 public:
  Shop() {
    REQUIRE(keys_.add("1", "a secret of sixteen bytes"));
    REQUIRE(outside_.admin(1s).value()->ensure_topics(topic_specs(kPartitions, "")));
    producer_ = outside_.producer([](auto) {}).value();
    clock_.jump(kOpens - 1min - clock_.now());
    start();
  }

  template <class Message>
  void say(const Message& message, std::string_view source = "ingress/1",
           std::optional<std::int32_t> partition = {}) {
    raw(Message::kTopic, Message::kType, message.partition_key(), encode(message), source,
        partition);
  }
  void raw(std::string_view topic, std::string_view type, const std::string& key,
           const std::string& body, std::string_view source,
           std::optional<std::int32_t> partition) {
    const auto id = "1-" + std::to_string(++said_);
    Attributes attributes;
    attributes.id = id;
    attributes.source = source;
    attributes.type = type;
    attributes.time = clock_.now();
    std::string signature;
    if (type != PlaceOrder::kType) {
      signature = keys_.sign(attributes, key, body);
      attributes.signature = signature;
    }
    const EnvelopeHeaders headers(attributes);
    REQUIRE(producer_->send({topic, key, body, headers.list(), partition}, 0));
    run();
  }

  void run(int turns = 20) {
    for (int turn = 0; turn < turns; ++turn) {
      outside_.pump();
      worker_->step(0ms);
      own_->pump();
      clock_.advance(10ms);
    }
    INFO(worker_->health());
    CHECK(worker_->health().empty());
  }
  void start() {
    if (worker_) worker_->drain(1s);
    worker_.reset();
    service_ = std::make_unique<stock::StockWorker>();
    own_ = std::make_unique<stream::MemoryStream>(log_);
    worker::Worker::Parts parts{.service = *service_,
                                .database = place_->database(),
                                .stream = *own_,
                                .clock = clock_,
                                .random = random_,
                                .keys = keys_,
                                .member = "w"};
    parts.loop.partitions = kPartitions;
    worker_ = worker::Worker::start(std::move(parts)).value();
    run();
  }

  /// The records of a key in one partition, oldest first; without heartbeats all of them.
  template <class Level>
  std::vector<Level> levels(const std::string& key, std::int32_t partition) {
    std::vector<Level> out;
    for (const auto& [of, body] : read("stock.levels", partition))
      if (of == key)
        if (const auto level = decode<Level>(body)) out.push_back(*level);
    return out;
  }
  std::size_t records(const std::string& topic) {
    std::size_t count = 0;
    for (std::int32_t p = 0; p < kPartitions; ++p)
      count += read(topic, p).size();
    return count;
  }
  std::string positions() {
    auto session = place_->database().open().value();
    const auto rows = store::query(
        session, {"positions", "stock", "SELECT positions, seq FROM {shards} ORDER BY shard"}, {},
        {store::Type::text, store::Type::int64});
    REQUIRE(rows.has_value());
    std::string text;
    for (const auto row : *rows)
      text += std::string(row.text(0)) + ' ' + std::to_string(row.int64(1)) + '\n';
    return text;
  }
  std::int32_t partition(std::string_view key) const {
    return stream::partition_of(key, kPartitions);
  }

 private:
  std::vector<std::pair<std::string, std::string>> read(const std::string& topic,
                                                        std::int32_t partition) {
    auto consumer = outside_.consumer().value();
    const stream::Position from{{topic, partition}, stream::Position::kStart};
    REQUIRE(consumer->assign({&from, 1}));
    std::vector<std::pair<std::string, std::string>> out;
    for (int quiet = 0; quiet < 3;) {
      const auto batch = consumer->poll(1'000, 0ms).value();
      quiet = batch.empty() ? quiet + 1 : 0;
      for (const auto& record : batch.records())
        if (record.header("ce_type").value_or("") != ShardHeartbeat::kType)
          out.emplace_back(record.key.value_or(""), record.value.value_or(""));
    }
    return out;
  }

  ManualClock clock_;
  SeededRandom random_{11};
  CommandKeys keys_;
  std::shared_ptr<stream::MemoryLog> log_ = std::make_shared<stream::MemoryLog>(
      stream::MemoryLogOptions{.clock = &clock_, .threads = false});
  stream::MemoryStream outside_{log_};
  std::unique_ptr<Place> place_ = make_place(clock_);
  std::unique_ptr<stream::Producer> producer_;
  std::unique_ptr<stock::StockWorker> service_;
  std::unique_ptr<stream::MemoryStream> own_;
  std::unique_ptr<worker::Worker> worker_;
  int said_ = 0;
};

OpenDrop opening(std::int64_t revision, std::int64_t units) {
  auto command = Scene::terms_of(1, {terms("a", 10, units), terms("b", 7, 2)}, revision);
  command.change = change_id(static_cast<std::uint32_t>(revision));
  command.actor = {ActorKind::admin, "ann"};
  return command;
}

struct Opened {
  Shop shop;
  std::int32_t home = shop.partition(drop(1).text());
  std::string offer = offer_key(drop(1), sku("a"));
  std::string source = "stock/" + std::to_string(home);

  Opened() {
    shop.say(opening(1, 5));
    shop.say(opening(2, 6));
  }
};

}  // namespace

TEST_CASE("a level appended late is followed by the one in force, once") {
  Opened o;
  auto offers = o.shop.levels<OfferLevel>(o.offer, o.home);
  auto drops = o.shop.levels<DropLevel>(drop(1).text(), o.home);
  REQUIRE(offers.size() == 2);
  REQUIRE(drops.size() == 2);
  o.shop.say(offers[0], o.source, o.home);
  o.shop.say(drops[0], o.source, o.home);
  o.shop.run();
  CHECK(o.shop.levels<OfferLevel>(o.offer, o.home).size() == 4);
  CHECK(o.shop.levels<OfferLevel>(o.offer, o.home).back() == offers[1]);
  CHECK(o.shop.levels<DropLevel>(drop(1).text(), o.home).size() == 4);
  CHECK(o.shop.levels<DropLevel>(drop(1).text(), o.home).back() == drops[1]);
}

TEST_CASE("a copy of the level in force is left alone, and costs no transaction") {
  Opened o;
  const auto offers = o.shop.levels<OfferLevel>(o.offer, o.home);
  const auto before = o.shop.positions();
  const auto count = o.shop.records("stock.levels");
  // Within a heartbeat, which would save positions.
  o.shop.raw("stock.levels", OfferLevel::kType, o.offer, encode(offers[1]), o.source, o.home);
  CHECK(o.shop.positions() == before);
  CHECK(o.shop.records("stock.levels") == count + 1);
}

TEST_CASE("a late level is also known after another owner took over") {
  Opened o;
  const auto offers = o.shop.levels<OfferLevel>(o.offer, o.home);
  o.shop.start();
  o.shop.raw("stock.levels", OfferLevel::kType, o.offer, encode(offers[0]), o.source, o.home);
  o.shop.run();
  CHECK(o.shop.levels<OfferLevel>(o.offer, o.home).back() == offers[1]);
}

TEST_CASE("a level of a version nobody gave does not make its owner repeat itself") {
  Opened o;
  const auto right = o.shop.levels<OfferLevel>(o.offer, o.home).back();
  auto forged = right;
  forged.version = 1'000;
  o.shop.say(forged, o.source, o.home);
  o.shop.say(right, o.source, o.home);
  const auto count = o.shop.records("stock.levels");
  o.shop.run(100);
  CHECK(o.shop.records("stock.levels") == count);
}

TEST_CASE(
    "a level that cannot be read is followed by the one in force; strangers' are left alone") {
  Opened o;
  const auto right = o.shop.levels<OfferLevel>(o.offer, o.home).back();
  o.shop.raw("stock.levels", OfferLevel::kType, o.offer, "{", o.source, o.home);
  o.shop.run();
  CHECK(o.shop.levels<OfferLevel>(o.offer, o.home).back() == right);
  const auto count = o.shop.records("stock.levels");
  for (const char* key : {"-/none", "x", "", "/", "x/a", "-/", "-/a/b"})
    o.shop.raw("stock.levels", OfferLevel::kType, key, "{}", o.source, o.home);
  o.shop.run();
  CHECK(o.shop.records("stock.levels") == count + 7);
  CHECK(o.shop.records("stock.levels.dead") == 0);
}

TEST_CASE("an ordinary level is answered where it came late, whoever changed the offer last") {
  Shop shop;
  const auto p = product(1);
  const auto home = shop.partition(p.text());
  PutOffer put;
  put.change = change_id(1);
  put.product = p;
  put.sku = sku("o");
  put.price = won(5);
  put.units = 9;
  put.actor = {ActorKind::admin, "ann"};
  shop.say(put);
  put.change = change_id(2);
  put.price = won(4);
  shop.say(put);
  const auto key = offer_key({}, sku("o"));
  const auto of_home = shop.levels<OfferLevel>(key, home);
  REQUIRE(of_home.size() == 2);
  // A member of the other partition buys: that shard now shows the offer.
  std::uint32_t who = 1;
  while (shop.partition(member(who).text()) == home)
    ++who;
  shop.say(order_of(member(who), std::nullopt, {{"o", 2}}, "k"));
  REQUIRE(shop.levels<OfferLevel>(key, 1 - home).size() == 1);
  CHECK(shop.levels<OfferLevel>(key, home).size() == 2);

  shop.say(of_home[0], "stock/" + std::to_string(home), home);
  shop.run();
  CHECK(shop.levels<OfferLevel>(key, home).back() == shop.levels<OfferLevel>(key, 1 - home).back());
  CHECK(shop.levels<OfferLevel>(key, home).back().free == 7);
}
