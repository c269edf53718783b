#include "tagged.hpp"

#include "dropline/crypto/hex.hpp"
#include "dropline/crypto/sha256.hpp"
#include "json_fields.hpp"

namespace dropline::shop {
namespace {

constexpr std::size_t kTagBytes = 12;

/// Is the tag among those of an If-None-Match header? Weak ones count as strong ones.
bool matches(std::string_view header, std::string_view tag) {
  while (!header.empty()) {
    const auto comma = header.find(',');
    auto one = header.substr(0, comma);
    while (!one.empty() && one.front() == ' ')
      one.remove_prefix(1);
    while (!one.empty() && one.back() == ' ')
      one.remove_suffix(1);
    if (one == "*") return true;
    if (one.starts_with("W/")) one.remove_prefix(2);
    if (one == tag) return true;
    if (comma == std::string_view::npos) return false;
    header.remove_prefix(comma + 1);
  }
  return false;
}

}  // namespace

void respond_tagged(const http::ExchangePtr& exchange, Timestamp now,
                    const std::function<void(contracts::JsonWriter&)>& fields) {
  std::string body;
  contracts::JsonWriter out(body);
  out.open_object();
  fields(out);
  const auto digest = crypto::Sha256().update(body).finish();
  const auto tag = '"' + crypto::hex_encode(std::span(digest).first(kTagBytes)) + '"';
  const bool same =
      matches(exchange->request().header("if-none-match").value_or(std::string_view()), tag);
  write_field(out, "server_time", now);
  out.close_object();
  auto response = same ? http::empty_response(304) : http::json_response(200, std::move(body));
  response.header("ETag", tag).header("Cache-Control", "no-cache");
  exchange->respond(std::move(response));
}

}  // namespace dropline::shop
