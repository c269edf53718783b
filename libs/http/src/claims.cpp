#include "claims.hpp"

#include <algorithm>
#include <boost/json/basic_parser_impl.hpp>
#include <cmath>

namespace dropline::http {
namespace json = boost::json;

namespace {

constexpr std::size_t kMaxDepth = 4;
constexpr std::size_t kMaxMembers = 64;
/// Years 1970 to 9999.
constexpr std::int64_t kMaxDate = 253'402'300'799;

/// Gathers what a token's JSON says, as Boost.JSON's parser meets it. Returning false ends the
/// parse with an error.
class Gatherer final {
 public:
  static constexpr std::size_t max_object_size = kMaxMembers;
  static constexpr std::size_t max_array_size = kMaxMembers;
  static constexpr std::size_t max_key_size = 256;
  static constexpr std::size_t max_string_size = 4'096;

  bool on_document_begin(json::error_code&) { return true; }
  bool on_document_end(json::error_code&) { return is_object_; }
  bool on_object_begin(json::error_code&) {
    if (depth_ == 0) is_object_ = true;
    if (depth_ > 0 && !take_other()) return false;
    ++depth_;
    return true;
  }
  bool on_object_end(std::size_t, json::error_code&) { return --depth_, true; }
  bool on_array_begin(json::error_code&) {
    if (depth_ == 0 || (depth_ == 2 && list_)) return false;
    if (depth_ == 1 && !begin_list()) return false;
    ++depth_;
    return true;
  }
  bool on_array_end(std::size_t, json::error_code&) {
    if (--depth_ == 1) list_ = nullptr;
    return true;
  }
  bool on_key_part(json::string_view part, std::size_t, json::error_code&) {
    text_.append(part.data(), part.size());
    return true;
  }
  bool on_key(json::string_view part, std::size_t, json::error_code&) {
    text_.append(part.data(), part.size());
    const auto key = std::exchange(text_, {});
    if (depth_ != 1) return true;
    if (std::ranges::find(seen_, key) != seen_.end()) return false;
    key_ = key;
    seen_.push_back(key);
    if (key_ == "crit") members.crit = true;
    return true;
  }
  bool on_string_part(json::string_view part, std::size_t, json::error_code&) {
    text_.append(part.data(), part.size());
    return true;
  }
  bool on_string(json::string_view part, std::size_t, json::error_code&) {
    text_.append(part.data(), part.size());
    auto text = std::exchange(text_, {});
    if (depth_ == 2 && list_) {
      list_->push_back(std::move(text));
      return true;
    }
    return depth_ != 1 || take_text(std::move(text));
  }
  bool on_number_part(json::string_view, json::error_code&) { return true; }
  bool on_int64(std::int64_t number, json::string_view, json::error_code&) {
    return take_number(number);
  }
  bool on_uint64(std::uint64_t, json::string_view, json::error_code&) { return take_other(); }
  bool on_double(double number, json::string_view, json::error_code&) {
    if (std::abs(number) <= static_cast<double>(kMaxDate) && number == std::floor(number))
      return take_number(static_cast<std::int64_t>(number));
    return take_other();
  }
  bool on_bool(bool, json::error_code&) { return take_other(); }
  bool on_null(json::error_code&) { return take_other(); }
  bool on_comment_part(json::string_view, json::error_code&) { return false; }
  bool on_comment(json::string_view, json::error_code&) { return false; }

  TokenMembers members;

 private:
  [[nodiscard]] std::optional<std::string>* text_member() {
    if (key_ == "alg") return &members.alg;
    if (key_ == "typ") return &members.typ;
    if (key_ == "kid") return &members.kid;
    if (key_ == "iss") return &members.iss;
    if (key_ == "sub") return &members.sub;
    if (key_ == "jti") return &members.jti;
    return nullptr;
  }
  [[nodiscard]] std::optional<std::int64_t>* date_member() {
    if (key_ == "exp") return &members.exp;
    if (key_ == "nbf") return &members.nbf;
    if (key_ == "iat") return &members.iat;
    return nullptr;
  }
  [[nodiscard]] std::vector<std::string>* list_member() {
    if (key_ == "aud") return &members.aud;
    if (key_ == "roles") return &members.roles;
    return nullptr;
  }

  bool take_text(std::string text) {
    if (auto* member = text_member()) {
      *member = std::move(text);
      return true;
    }
    if (key_ == "aud") {
      members.aud.push_back(std::move(text));
      return true;
    }
    return !date_member() && !list_member();
  }
  bool take_number(std::int64_t number) {
    if (depth_ == 2 && list_) return false;
    if (depth_ != 1) return true;
    if (auto* member = date_member()) {
      if (number < 0 || number > kMaxDate) return false;
      *member = number;
      return true;
    }
    return take_other();
  }
  /// A value that no known member may have.
  bool take_other() {
    if (depth_ == 2 && list_) return false;
    return depth_ != 1 || (!text_member() && !date_member() && !list_member());
  }
  bool begin_list() {
    list_ = list_member();
    return list_ || (!text_member() && !date_member());
  }

  std::size_t depth_ = 0;
  bool is_object_ = false;
  std::string text_;
  std::string key_;
  std::vector<std::string> seen_;
  std::vector<std::string>* list_ = nullptr;
};

}  // namespace

std::optional<TokenMembers> read_members(std::string_view text, std::size_t max_list) {
  json::parse_options options;
  options.max_depth = kMaxDepth;
  json::basic_parser<Gatherer> parser(options);
  json::error_code code;
  const auto used = parser.write_some(false, text.data(), text.size(), code);
  if (code || used != text.size() || !parser.done()) return std::nullopt;
  auto& members = parser.handler().members;
  if (members.aud.size() > max_list || members.roles.size() > max_list) return std::nullopt;
  return std::move(members);
}

}  // namespace dropline::http
