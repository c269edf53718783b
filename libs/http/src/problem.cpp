#include "dropline/http/problem.hpp"

#include <algorithm>

#include "text.hpp"

namespace dropline::http {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

void append_escaped(std::string& out, char c) {
  constexpr std::string_view kHex = "0123456789abcdef";
  switch (c) {
    case '"':
      out += "\\\"";
      return;
    case '\\':
      out += "\\\\";
      return;
    case '\b':
      out += "\\b";
      return;
    case '\f':
      out += "\\f";
      return;
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    default:
      out += "\\u00";
      out += kHex[static_cast<unsigned char>(c) >> 4];
      out += kHex[static_cast<unsigned char>(c) & 0x0F];
  }
}

struct Standard {
  int status;
  const char* code;
  const char* en;
  const char* ko;
};

constexpr Standard kStandard[] = {
    {400, "bad_request", "The request is not valid", "요청이 올바르지 않습니다"},
    {401, "unauthorized", "A valid bearer token is needed", "유효한 인증 토큰이 필요합니다"},
    {403, "forbidden", "This is not allowed", "허용되지 않은 요청입니다"},
    {404, "not_found", "There is no such resource", "요청한 자원을 찾을 수 없습니다"},
    {405, "method_not_allowed", "The resource does not support this method",
     "이 자원에서 지원하지 않는 메서드입니다"},
    {408, "request_timeout", "The request took too long to arrive",
     "요청이 제한 시간 안에 도착하지 않았습니다"},
    {409, "conflict", "The request conflicts with the present state",
     "현재 상태와 충돌하는 요청입니다"},
    {413, "content_too_large", "The request's body is too large", "요청 본문이 너무 큽니다"},
    {414, "uri_too_long", "The request's target is too long", "요청 주소가 너무 깁니다"},
    {415, "unsupported_media_type", "The body's media type is not supported",
     "지원하지 않는 본문 형식입니다"},
    {417, "expectation_failed", "The expectation cannot be met", "요청한 조건을 지원하지 않습니다"},
    {422, "unprocessable", "The request cannot be carried out", "처리할 수 없는 요청입니다"},
    {429, "too_many_requests", "Too many requests; try again later",
     "요청이 너무 많습니다. 잠시 후 다시 시도하세요"},
    {431, "header_too_large", "The request's headers are too large", "요청 헤더가 너무 큽니다"},
    {500, "internal_error", "The request failed for a reason of ours",
     "서버 오류로 요청을 처리하지 못했습니다"},
    {501, "not_implemented", "The method is not supported", "지원하지 않는 메서드입니다"},
    {503, "unavailable", "The service is busy; try again later",
     "서비스가 혼잡합니다. 잠시 후 다시 시도하세요"},
    {504, "gateway_timeout", "No answer came in time", "제한 시간 안에 응답을 받지 못했습니다"},
    {505, "version_not_supported", "HTTP/1.0 and HTTP/1.1 are supported",
     "HTTP/1.0과 HTTP/1.1만 지원합니다"},
};

Problem with_detail(int status, Language language, std::string detail) {
  auto problem = standard_problem(status, language);
  problem.detail(std::move(detail));
  return problem;
}

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  while (!text.empty()) {
    const auto size = utf8_size(text);
    const char c = text.front();
    if (size == 0) {
      out += kReplacement;
    } else if (static_cast<unsigned char>(c) < 0x20 || c == '"' || c == '\\' || c == 0x7F) {
      append_escaped(out, c);
    } else {
      out += text.substr(0, size);
    }
    text.remove_prefix(std::max<std::size_t>(size, 1));
  }
  out += '"';
}

Problem& Problem::with_json(std::string_view name, std::string_view json) {
  extra_ += ',';
  append_json_string(extra_, name);
  extra_ += ':';
  extra_ += json;
  return *this;
}

Problem& Problem::with(std::string_view name, std::string_view text) {
  std::string json;
  append_json_string(json, text);
  return with_json(name, json);
}

Problem& Problem::with(std::string_view name, std::int64_t number) {
  return with_json(name, std::to_string(number));
}

Problem& Problem::with(std::string_view name, bool flag) {
  return with_json(name, flag ? "true" : "false");
}

Problem& Problem::header(std::string name, std::string value) {
  headers_.emplace_back(std::move(name), std::move(value));
  return *this;
}

Problem& Problem::retry_after(std::chrono::milliseconds delay) {
  const auto seconds = std::max<std::int64_t>(1, (delay.count() + 999) / 1000);
  return header("Retry-After", std::to_string(seconds));
}

std::string Problem::json() const {
  std::string out;
  out.reserve(192 + title_.size() + detail_.size() + extra_.size());
  out += "{\"type\":";
  append_json_string(out, std::string(kProblemType) + code_);
  out += ",\"title\":";
  append_json_string(out, title_);
  out += ",\"status\":";
  out += std::to_string(status_);
  out += ",\"code\":";
  append_json_string(out, code_);
  if (!detail_.empty()) {
    out += ",\"detail\":";
    append_json_string(out, detail_);
  }
  if (!instance_.empty()) {
    out += ",\"instance\":";
    append_json_string(out, instance_);
  }
  out += extra_;
  out += '}';
  return out;
}

Response Problem::response() const {
  Response response;
  response.status = status_;
  response.content_type = "application/problem+json";
  response.body = json();
  response.headers = headers_;
  response.header("Cache-Control", "no-store");
  return response;
}

void add_rate_limit(Response& response, const RateLimitState& state) {
  const std::string name = '"' + std::string(state.policy) + '"';
  response.header("RateLimit-Policy", name + ";q=" + std::to_string(state.limit) +
                                          ";w=" + std::to_string(state.window.count()));
  response.header("RateLimit", name + ";r=" + std::to_string(state.remaining) +
                                   ";t=" + std::to_string(state.reset.count()));
}

Problem standard_problem(int status, Language language) {
  for (const auto& known : kStandard) {
    if (known.status == status)
      return Problem(status, known.code, language == Language::ko ? known.ko : known.en);
  }
  return Problem(status, "status_" + std::to_string(status), std::string(reason_phrase(status)));
}

Problem bad_request(Language language, std::string detail) {
  return with_detail(400, language, std::move(detail));
}

Problem unauthorized(Language language, std::string_view error, std::string detail) {
  auto problem = with_detail(401, language, std::move(detail));
  std::string challenge = "Bearer";
  if (!error.empty()) challenge += " error=\"" + std::string(error) + '"';
  problem.header("WWW-Authenticate", std::move(challenge));
  return problem;
}

Problem forbidden(Language language, std::string detail) {
  return with_detail(403, language, std::move(detail));
}

Problem not_found(Language language, std::string detail) {
  return with_detail(404, language, std::move(detail));
}

Problem method_not_allowed(Language language, std::string allow) {
  auto problem = standard_problem(405, language);
  problem.header("Allow", std::move(allow));
  return problem;
}

Problem conflict(Language language, std::string detail) {
  return with_detail(409, language, std::move(detail));
}

Problem content_too_large(Language language, std::size_t limit_bytes) {
  auto problem = standard_problem(413, language);
  problem.with("max_bytes", static_cast<std::int64_t>(limit_bytes));
  return problem;
}

Problem unsupported_media_type(Language language, std::string_view accepted) {
  auto problem = standard_problem(415, language);
  problem.with("accepted", accepted);
  problem.header("Accept", std::string(accepted));
  return problem;
}

Problem unprocessable(Language language, std::string detail) {
  return with_detail(422, language, std::move(detail));
}

Problem too_many_requests(Language language, std::chrono::milliseconds retry_after) {
  auto problem = standard_problem(429, language);
  problem.retry_after(retry_after);
  return problem;
}

Problem header_too_large(Language language) {
  return standard_problem(431, language);
}

Problem internal_error(Language language) {
  return standard_problem(500, language);
}

Problem unavailable(Language language, std::chrono::milliseconds retry_after, std::string detail) {
  auto problem = with_detail(503, language, std::move(detail));
  problem.retry_after(retry_after);
  return problem;
}

Problem outcome_unknown(Language language, std::string detail) {
  Problem problem(504, "outcome_unknown",
                  language == Language::ko
                      ? "처리 결과를 확인하지 못했습니다. 같은 키로 다시 요청하세요"
                      : "The outcome is unknown; repeat the request with the same key");
  problem.detail(std::move(detail));
  return problem;
}

Problem gateway_timeout(Language language, std::string detail) {
  return with_detail(504, language, std::move(detail));
}

}  // namespace dropline::http
