#include "targets.hpp"

#include <array>
#include <memory_resource>
#include <string>
#include <vector>

#include "config/src/toml_reader.hpp"
#include "dropline/base/clock.hpp"
#include "dropline/base/ensure.hpp"
#include "dropline/contracts/catalog_products.hpp"
#include "dropline/contracts/codec.hpp"
#include "dropline/contracts/envelope.hpp"
#include "dropline/contracts/orders_commands.hpp"
#include "dropline/contracts/orders_events.hpp"
#include "dropline/contracts/payments_commands.hpp"
#include "dropline/contracts/stock_events.hpp"
#include "dropline/crypto/ed25519.hpp"
#include "dropline/crypto/webhook.hpp"
#include "dropline/http/bearer.hpp"
#include "dropline/shop/receipt.hpp"
#include "dropline/worker/outbox.hpp"
#include "dropline/worker/shard.hpp"
#include "http/src/claims.hpp"
#include "http/src/message_reader.hpp"
#include "http/src/target.hpp"
#include "stream/sqlite/src/record_codec.hpp"

namespace dropline::fuzz {
namespace {

constexpr std::array<std::uint8_t, crypto::SecretKey::kSeedBytes> kSeed{1, 2, 3};

const crypto::SecretKey& secret() {
  static const auto key = crypto::SecretKey::from_seed(kSeed);
  return key;
}

/// Up to the next line feed, which is taken away.
std::string_view line(std::string_view& bytes) {
  const auto end = bytes.find('\n');
  const auto text = bytes.substr(0, end);
  bytes.remove_prefix(end == bytes.npos ? bytes.size() : end + 1);
  return text;
}

/// Head and body as they come off a connection; the first byte says in how large pieces.
void http(std::string_view bytes) {
  if (bytes.empty()) return;
  const auto piece = static_cast<std::size_t>(static_cast<unsigned char>(bytes[0])) + 1;
  bytes.remove_prefix(1);
  http::HeadScanner scanner(
      {.max_request_line_bytes = 2'048, .max_head_bytes = 8'192, .max_header_count = 64});
  auto state = http::HeadScanner::State::more;
  for (std::size_t seen = piece; state == http::HeadScanner::State::more; seen += piece) {
    state = scanner.scan(bytes.substr(0, seen));
    if (seen >= bytes.size()) break;
  }
  if (state != http::HeadScanner::State::complete) return;
  ensure(scanner.head_size() <= bytes.size(), "a head ends within what came");
  const auto text = bytes.substr(0, scanner.head_size());
  const auto head = http::parse_head(text);
  if (!std::holds_alternative<http::Head>(head)) return;
  const auto& good = std::get<http::Head>(head);
  static_cast<void>(http::parse_target(good.target, good.method));
  static_cast<void>(http::valid_authority(good.host));
  constexpr std::size_t kMaxBody = 1'024;
  std::string body;
  http::MessageReader reader(body, kMaxBody);
  if (!reader.take_head(text, good)) return;
  std::string pending;
  for (auto rest = bytes.substr(text.size()); reader.has_body() && !rest.empty();) {
    pending += rest.substr(0, piece);
    rest.remove_prefix(std::min(piece, rest.size()));
    std::size_t used = 0;
    const auto got = reader.take_body(pending, used);
    ensure(used <= pending.size() && body.size() <= kMaxBody, "a body keeps within its bound");
    pending.erase(0, used);
    if (got != http::MessageReader::State::more) return;
  }
}

void target(std::string_view bytes) {
  static_cast<void>(http::parse_target(bytes, http::Method::get));
  static_cast<void>(http::valid_authority(bytes));
}

template <class Message>
void message(std::string_view type, std::string_view body) {
  if (!type.empty() && type != Message::kType) return;
  const auto first = contracts::decode<Message>(body);
  if (!first) return;
  static_cast<void>(first->partition_key());
  const auto once = contracts::encode(*first);
  const auto again = contracts::decode<Message>(once);
  ensure(again.has_value() && contracts::encode(*again) == once,
         "what we write we read, and write the same");
}

/// The type on the first line, or each: between them they have fields of every kind.
void messages(std::string_view type, std::string_view body) {
  message<contracts::PlaceOrder>(type, body);
  message<contracts::OpenDrop>(type, body);
  message<contracts::StockReserved>(type, body);
  message<contracts::OrderPaid>(type, body);
  message<contracts::ProductState>(type, body);
  message<contracts::GatewayAnswered>(type, body);
}

void json(std::string_view bytes) {
  const auto type = line(bytes);
  messages(type, bytes);
}

void token(std::string_view bytes) {
  static const SystemClock clock;
  static const http::TokenVerifier verifier({.issuer = "dropline",
                                             .audience = "dropline",
                                             .keys = {{"dev", secret().public_key()}},
                                             .cache_entries = 0},
                                            clock);
  static_cast<void>(verifier.verify(bytes));
  static_cast<void>(http::read_members(bytes));
}

/// id, timestamp and signatures on a line each, then the body.
void webhook(std::string_view bytes) {
  static const std::vector<crypto::HmacKey> keys{crypto::HmacKey("a secret of many bytes")};
  const auto id = line(bytes);
  const auto timestamp = line(bytes);
  const auto signatures = line(bytes);
  const auto verdict =
      crypto::verify_webhook(keys, {id, timestamp, bytes}, signatures, 1'700'000'000);
  if (verdict != crypto::WebhookVerdict::genuine) return;
  const auto real = crypto::sign_webhook(keys[0], {id, timestamp, bytes});
  ensure(signatures.find(real) != signatures.npos, "nobody else signs in our name");
}

void config(std::string_view bytes) {
  static_cast<void>(config::read_toml(std::string(bytes), "dropline.toml"));
}

/// Headers, "name: value" on a line each up to an empty one, then the body.
void record(std::string_view bytes) {
  std::vector<stream::Header> headers;
  while (headers.size() < stream::kMaxHeaders) {
    const auto text = line(bytes);
    const auto colon = text.find(": ");
    if (colon == text.npos) break;
    headers.push_back({text.substr(0, colon), text.substr(colon + 2)});
  }
  stream::Record record;
  record.topic = "orders.commands";
  record.key = "k";
  record.value = bytes;
  record.headers = headers;
  static_cast<void>(contracts::type_header(record));
  const auto envelope = contracts::parse_envelope(record);
  if (!envelope) return;
  static_cast<void>(envelope->shard());
  static_cast<void>(envelope->sequence());
  static_cast<void>(envelope->order());
  messages(envelope->type, envelope->body);
}

void frames(std::string_view bytes) {
  const auto opened = worker::Frames::open(std::string(bytes));
  if (opened) {
    auto again = worker::new_frames();
    for (const auto& draft : opened->drafts())
      worker::frame(again, draft);
    ensure(again == bytes, "frames are what they were made of");
  }
  std::pmr::monotonic_buffer_resource memory;
  static_cast<void>(stream::sqlite::decode_headers(bytes, memory));
}

/// A shard's row: positions, or watermarks.
void shard(std::string_view bytes) {
  if (const auto positions = worker::parse_positions(bytes)) {
    const auto text = worker::format_positions(*positions);
    ensure(worker::parse_positions(text).value() == *positions, "positions survive their text");
  }
  if (const auto marks = worker::parse_watermarks(bytes)) {
    const auto text = worker::format_watermarks(*marks);
    ensure(worker::parse_watermarks(text).value() == *marks, "watermarks survive their text");
  }
}

void receipt(std::string_view bytes) {
  static const auto key = secret().public_key();
  static_cast<void>(shop::verify_receipt(bytes, key));
}

constexpr std::array kTargets{
    Target{"http", http},       Target{"target", target},   Target{"json", json},
    Target{"token", token},     Target{"webhook", webhook}, Target{"config", config},
    Target{"record", record},   Target{"frames", frames},   Target{"shard", shard},
    Target{"receipt", receipt},
};

}  // namespace

std::span<const Target> targets() {
  return kTargets;
}

}  // namespace dropline::fuzz
