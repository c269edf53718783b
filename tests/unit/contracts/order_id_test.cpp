#include "dropline/contracts/order_id.hpp"

#include <doctest/doctest.h>

#include <set>

#include "dropline/base/random.hpp"
#include "dropline/contracts/body_hash.hpp"
#include "dropline/crypto/hex.hpp"
#include "result_text.hpp"

using namespace dropline;
using namespace dropline::contracts;

namespace {

const MemberId kMember = *MemberId::parse("0190b2a4-6d2c-7a10-8f3e-5a1b2c3d4e5f");
const DropId kDrop = *DropId::parse("0190b2a0-0000-7000-8000-00000000d401");
constexpr std::string_view kKey7 = "0190b2a4-7b10-7cde-9a2b-1234567890ab";

PlaceOrder order() {
  PlaceOrder command;
  command.member = kMember;
  command.drop = kDrop;
  command.lines = {{*Sku::parse("HOODIE-BLACK-M"), 1}, {*Sku::parse("HOODIE-BLACK-L"), 2}};
  command.payment.method = PaymentMethod::card;
  command.idempotency_key = kKey7;
  command.order_id = make_order_id(kMember, kDrop, kKey7);
  return command;
}

}  // namespace

TEST_CASE("order ids are those that a second implementation computed") {
  CHECK(make_order_id(kMember, kDrop, kKey7).text() == "0190b2a4-7b10-87dc-b413-e8279f55ee8b");
  CHECK(make_order_id(kMember, {}, "retry-42").text() == "5b209008-ae2f-8941-a788-569a1eb8754e");
}

TEST_CASE("an order's id is a UUID of version 8 that changes with member, drop and key") {
  SeededRandom random(3);
  std::set<OrderId> ids;
  constexpr int kRounds = 200;
  for (int i = 0; i < kRounds; ++i) {
    const MemberId member(random.uuid4());
    const DropId drop(random.uuid4());
    const auto key = random.uuid7(from_unix_ms(1'772'355'600'000)).text();
    for (const auto& id :
         {make_order_id(member, drop, key), make_order_id(member, {}, key),
          make_order_id(kMember, drop, key), make_order_id(member, drop, key + "x"),
          make_order_id(member, drop, "k" + std::to_string(i))}) {
      CHECK(id.uuid().version() == 8);
      CHECK((id.uuid().bytes[8] & 0xC0) == 0x80);
      ids.insert(id);
    }
    CHECK(make_order_id(member, drop, key) == make_order_id(member, drop, key));
  }
  CHECK(ids.size() == 5 * kRounds);
}

TEST_CASE("where the key is a UUID of version 7, ids sort by its time") {
  SeededRandom random(4);
  OrderId last;
  for (std::int64_t ms = 1'772'355'600'000; ms < 1'772'355'600'100; ++ms) {
    const auto key = random.uuid7(from_unix_ms(ms)).text();
    const auto id = make_order_id(MemberId(random.uuid4()), kDrop, key);
    CHECK(id.uuid().unix_ms() == static_cast<std::uint64_t>(ms));
    CHECK(key_time(key) == from_unix_ms(ms));
    CHECK(last < id);
    last = id;
  }
  CHECK_FALSE(key_time(random.uuid4().text()));
  CHECK_FALSE(key_time("retry-42"));
  // Version 7 by its digit, but not of the variant that has versions.
  CHECK_FALSE(key_time("0190b2a4-7b10-7cde-1a2b-1234567890ab"));
}

TEST_CASE("a key's time may be a day ahead and no more") {
  const auto now = from_unix_ms(1'772'355'600'000);
  SeededRandom random(5);
  CHECK_FALSE(key_too_far_ahead(random.uuid7(now + kMaxKeyAhead).text(), now));
  CHECK(key_too_far_ahead(random.uuid7(now + kMaxKeyAhead + std::chrono::milliseconds(1)).text(),
                          now));
  CHECK(key_too_far_ahead("ffffffff-ffff-7fff-bfff-ffffffffffff", now));
  CHECK_FALSE(key_too_far_ahead(random.uuid7(from_unix_ms(0)).text(), now));
  CHECK_FALSE(key_too_far_ahead("any", now));
}

TEST_CASE("keys are 1 to 128 visible ASCII characters without quotes") {
  for (const std::string& key : {std::string("a"), std::string(128, '~'), std::string("!#[]^_/+=")})
    CHECK(valid_idempotency_key(key));
  for (const std::string& key :
       {std::string(), std::string(129, 'x'), std::string("a b"), std::string("a\"b"),
        std::string("a\\b"), std::string("é"), std::string("a\0b", 3), std::string("\x7F")})
    CHECK_FALSE(valid_idempotency_key(key));
}

TEST_CASE("a body's hash is the one that a second implementation computed") {
  PlaceOrder command;
  command.member = kMember;
  command.lines = {{*Sku::parse("MUG.white"), 3}};
  CHECK(crypto::hex_encode(body_hash(command)) ==
        "11411f8e60f4ea58901669d828d6f0ab0d463110ab1c0439a857870da1872c47");
}

TEST_CASE("the hash does not mind the order of lines, the key, the id or the ciphertext") {
  auto command = order();
  command.delivery = SealedText{"s1.shop.AAAA", crypto::sha256("address")};
  const auto hash = body_hash(command);
  auto same = command;
  std::swap(same.lines[0], same.lines[1]);
  same.idempotency_key = "another";
  same.order_id = {};
  same.delivery->sealed = "s1.shop.BBBB";
  CHECK(body_hash(same) == hash);
}

TEST_CASE("the hash minds everything else") {
  const auto command = order();
  std::set<crypto::Digest> hashes{body_hash(command)};
  const auto differs = [&](auto change) {
    auto other = command;
    change(other);
    return hashes.insert(body_hash(other)).second;
  };
  CHECK(differs([](PlaceOrder& o) { o.member = {}; }));
  CHECK(differs([](PlaceOrder& o) { o.drop.reset(); }));
  CHECK(differs([](PlaceOrder& o) { o.drop = DropId(); }));
  CHECK(differs([](PlaceOrder& o) { o.lines[0].quantity = 2; }));
  CHECK(differs([](PlaceOrder& o) { o.lines.pop_back(); }));
  CHECK(differs([](PlaceOrder& o) { o.lines[0].sku = *Sku::parse("OTHER"); }));
  CHECK(differs([](PlaceOrder& o) { o.payment.method = PaymentMethod::bank; }));
  CHECK(differs([](PlaceOrder& o) { o.coupon = CouponId(); }));
  CHECK(differs([](PlaceOrder& o) { o.expected_total = Money{0, {}}; }));
  CHECK(differs([](PlaceOrder& o) { o.expected_total = Money{0, *Currency::parse("USD")}; }));
  CHECK(differs([](PlaceOrder& o) { o.expected_total = Money{256, {}}; }));
  CHECK(differs([](PlaceOrder& o) { o.delivery = SealedText{"s1.a.AAAA", crypto::sha256("1")}; }));
  CHECK(differs([](PlaceOrder& o) { o.delivery = SealedText{"s1.a.AAAA", crypto::sha256("2")}; }));
}

TEST_CASE("a recipient's digest depends on the secret, the member and the text") {
  const crypto::HmacKey secret("shop");
  const auto digest = recipient_digest(secret, kMember, "Seoul");
  CHECK(digest == recipient_digest(secret, kMember, "Seoul"));
  CHECK(digest != recipient_digest(secret, kMember, "Busan"));
  CHECK(digest != recipient_digest(secret, MemberId(), "Seoul"));
  CHECK(digest != recipient_digest(crypto::HmacKey("mall"), kMember, "Seoul"));
}

TEST_CASE("a command whose id or hash is not its own is found out") {
  auto command = order();
  CHECK(verify_place_order(command));
  command.body_hash = body_hash(command);
  CHECK(verify_place_order(command));
  auto forged = command;
  forged.member = MemberId(SeededRandom(1).uuid4());
  CHECK(verify_place_order(forged).error().code == Errc::wrong_order_id);
  forged = command;
  forged.drop.reset();
  CHECK(verify_place_order(forged).error().code == Errc::wrong_order_id);
  forged = command;
  forged.lines[0].quantity = 9;
  CHECK(verify_place_order(forged).error().code == Errc::wrong_body_hash);
  forged = command;
  forged.idempotency_key = "a b";
  CHECK(verify_place_order(forged).error().code == Errc::bad_value);
}
