#include "dropline/shop/live.hpp"

#include <doctest/doctest.h>

#include "dropline/base/random.hpp"
#include "dropline/contracts/envelope.hpp"

using namespace dropline;
using namespace dropline::shop;
using namespace std::chrono_literals;

namespace {

/// Keeps what is sent.
class Sheet final : public http::EventStream {
 public:
  bool send(const http::ServerEvent& event) override { return append_event(text, event); }
  bool send_encoded(std::string_view bytes) override {
    text += bytes;
    return true;
  }
  bool comment(std::string_view) override { return true; }
  void close() override { ended = true; }
  [[nodiscard]] bool closed() const noexcept override { return ended; }
  void on_closed(std::function<void()>) override {}

  [[nodiscard]] std::string ids() const {
    std::string out;
    for (auto at = text.find("id: "); at != std::string::npos; at = text.find("id: ", at + 1))
      out += text.substr(at + 4, text.find('\n', at) - at - 4) + ' ';
    return out;
  }
  std::string text;
  bool ended = false;
};

struct Scene {
  ManualClock clock;
  Live live{clock, 4};
  SeededRandom random{7};
  MemberId member{random.uuid4()};
  std::int64_t next = 100;

  void happen(const MemberId& whose, std::string_view value = "{}") {
    const auto key = whose.text();
    const stream::Header headers[] = {{contracts::header::kType, "OrderPaid"}};
    stream::Record record;
    record.partition = 1;
    record.offset = next++;
    record.key = key;
    record.value = value;
    record.headers = headers;
    live.take(record);
  }
};

}  // namespace

TEST_CASE("a stream outlives no token: what comes after its end closes it") {
  Scene scene;
  const auto brief = std::make_shared<Sheet>();
  const auto lasting = std::make_shared<Sheet>();
  const auto end = scene.clock.now() + std::chrono::minutes(5);
  const auto opened = scene.live.open(scene.member, brief, std::nullopt, end);
  const auto other = scene.live.open(scene.member, lasting, std::nullopt);
  REQUIRE(opened);
  REQUIRE(other);
  scene.live.begin(scene.member, opened->ticket, "");
  scene.live.begin(scene.member, other->ticket, "");
  scene.happen(scene.member);
  scene.clock.advance(std::chrono::minutes(5));
  scene.happen(scene.member);
  CHECK(brief->ids() == "1-100 ");
  CHECK(brief->closed());
  CHECK(lasting->ids() == "1-100 1-101 ");
  CHECK_FALSE(lasting->closed());
}

TEST_CASE("a member is told of the member's own orders only, with places as ids") {
  Scene scene;
  const auto sheet = std::make_shared<Sheet>();
  const auto opened = scene.live.open(scene.member, sheet, std::nullopt);
  REQUIRE(opened);
  CHECK(opened->wants_snapshot);
  scene.live.begin(scene.member, opened->ticket, "event: snapshot\ndata: []\n\n");
  scene.happen(scene.member);
  scene.happen(MemberId(scene.random.uuid4()));
  scene.happen(scene.member);
  CHECK(sheet->text.starts_with("event: snapshot"));
  CHECK(sheet->ids() == "1-100 1-102 ");
  scene.live.close(scene.member, opened->ticket);
  scene.happen(scene.member);
  CHECK(sheet->ids() == "1-100 1-102 ");
}

TEST_CASE("who comes back is told what was missed, nothing twice") {
  Scene scene;
  for (int i = 0; i < 5; ++i)
    scene.happen(scene.member);
  const auto sheet = std::make_shared<Sheet>();
  const auto opened = scene.live.open(scene.member, sheet, Live::Place{1, 102});
  REQUIRE(opened);
  CHECK_FALSE(opened->wants_snapshot);
  scene.happen(scene.member);
  CHECK(sheet->ids() == "1-103 1-104 1-105 ");
}

TEST_CASE("beyond the ring the whole is told first, and what comes meanwhile after it") {
  Scene scene;
  scene.happen(scene.member);
  scene.clock.advance(Live::kKept + 1s);
  scene.happen(scene.member);
  const auto sheet = std::make_shared<Sheet>();
  const auto opened = scene.live.open(scene.member, sheet, Live::Place{1, 99});
  REQUIRE(opened);
  REQUIRE(opened->wants_snapshot);
  scene.happen(scene.member);
  CHECK(sheet->text.empty());
  scene.live.begin(scene.member, opened->ticket, "event: snapshot\ndata: []\n\n");
  CHECK(sheet->text.starts_with("event: snapshot"));
  CHECK(sheet->ids() == "1-102 ");
}

TEST_CASE("the ring is bounded by bytes") {
  Scene scene;
  const std::string large(60'000, 'x');
  for (std::size_t i = 0; i < 2 * Live::kMaxBytes / large.size(); ++i)
    scene.happen(scene.member, large);
  const auto sheet = std::make_shared<Sheet>();
  const auto opened = scene.live.open(scene.member, sheet, Live::Place{1, 100});
  REQUIRE(opened);
  CHECK(opened->wants_snapshot);
}

TEST_CASE("a member follows on a few connections, not on any number") {
  Scene scene;
  for (std::size_t i = 0; i < Live::kMaxStreamsOfMember; ++i)
    REQUIRE(scene.live.open(scene.member, std::make_shared<Sheet>(), std::nullopt));
  CHECK_FALSE(scene.live.open(scene.member, std::make_shared<Sheet>(), std::nullopt));
  CHECK(scene.live.open(MemberId(scene.random.uuid4()), std::make_shared<Sheet>(), std::nullopt));
}

TEST_CASE("a place is a partition and an offset, and nothing else") {
  CHECK(Live::Place::parse("3-17")->offset == 17);
  CHECK(Live::Place{3, 17}.text() == "3-17");
  for (const char* text : {"", "3", "3-", "-3", "a-1", "1-2-3", "1--2", "99999999999-1", " 1-2"})
    CHECK_FALSE(Live::Place::parse(text));
}
