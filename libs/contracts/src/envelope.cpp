#include "dropline/contracts/envelope.hpp"

#include <algorithm>
#include <charconv>

#include "dropline/contracts/errors.hpp"
#include "dropline/contracts/json.hpp"

namespace dropline::contracts {
namespace {

constexpr std::string_view kVersion = "1.0";
constexpr std::string_view kJson = "application/json";
constexpr std::string_view kStructured = "application/cloudevents+json";
constexpr std::string_view kCommands = ".commands";

/// A decimal without sign or leading zeros, taken off the front.
template <class T>
std::optional<T> take_number(std::string_view& text) noexcept {
  T value = 0;
  if (text.empty() || text[0] == '-' ||
      (text[0] == '0' && text.size() > 1 && text[1] >= '0' && text[1] <= '9'))
    return std::nullopt;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc()) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return value;
}

bool printable(std::string_view text) noexcept {
  return text.size() <= kMaxAttributeBytes && valid_text(text) &&
         std::ranges::none_of(
             text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
}

/// The media type without its parameters, compared as RFC 9110 asks.
bool media_type_is(std::string_view text, std::string_view lower_case) noexcept {
  text = text.substr(0, text.find(';'));
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t'))
    text.remove_suffix(1);
  return std::ranges::equal(text, lower_case, [](char a, char b) {
    return (a >= 'A' && a <= 'Z' ? a - 'A' + 'a' : a) == b;
  });
}

Error bad(std::string_view what, std::string_view name) {
  return error(Errc::bad_envelope, std::string(name) + ' ' + std::string(what));
}

/// The attributes as found, before they are judged.
struct Found {
  std::optional<std::string_view> version, id, source, type, subject, time, content_type, trace,
      correlation, causation, signature;

  std::optional<std::string_view>* place_of(std::string_view name) noexcept {
    if (name.starts_with("ce_")) {
      if (name == header::kId) return &id;
      if (name == header::kType) return &type;
      if (name == header::kSource) return &source;
      if (name == header::kSubject) return &subject;
      if (name == header::kTime) return &time;
      if (name == header::kSpecVersion) return &version;
      if (name == header::kCorrelation) return &correlation;
      if (name == header::kCausation) return &causation;
      return nullptr;
    }
    if (name == header::kContentType) return &content_type;
    if (name == header::kTraceParent) return &trace;
    if (name == header::kSignature) return &signature;
    return nullptr;
  }
};

Status judge(const Found& found, Envelope& out) {
  if (!found.version) return bad("is missing", header::kSpecVersion);
  if (*found.version != kVersion)
    return bad("must be 1.0, not '" + std::string(*found.version) + "'", header::kSpecVersion);
  const auto required = [](const auto& from, std::string_view name,
                           std::string_view& to) -> Status {
    if (!from || from->empty()) return bad("is missing or empty", name);
    to = *from;
    return {};
  };
  if (auto status = required(found.id, header::kId, out.id); !status) return status;
  if (auto status = required(found.source, header::kSource, out.source); !status) return status;
  if (auto status = required(found.type, header::kType, out.type); !status) return status;
  out.subject = found.subject.value_or("");
  out.correlation = found.correlation.value_or("");
  out.causation = found.causation.value_or("");
  out.signature = found.signature.value_or("");
  if (found.trace && valid_traceparent(*found.trace)) out.traceparent = *found.trace;
  if (found.time) {
    out.time = parse_rfc3339(*found.time);
    if (!out.time)
      return bad("is not a time as RFC 3339 has it: '" + std::string(*found.time) + "'",
                 header::kTime);
  }
  return {};
}

/// Headers, each at most once and fit to print.
Status collect(const stream::Record& record, Found& found) {
  for (const auto& [name, value] : record.headers) {
    auto* place = found.place_of(name);
    if (place == nullptr) continue;
    if (*place) return bad("comes twice", name);
    if (!value) return bad("is null", name);
    // A trace is not worth a dead letter.
    if (!printable(*value) && name != header::kTraceParent)
      return bad("is not printable text of at most 256 bytes", name);
    *place = *value;
  }
  return {};
}

std::optional<std::string_view>* place_of_attribute(Found& found, std::string_view name) {
  if (name == "id") return &found.id;
  if (name == "type") return &found.type;
  if (name == "source") return &found.source;
  if (name == "subject") return &found.subject;
  if (name == "time") return &found.time;
  if (name == "specversion") return &found.version;
  if (name == "correlationid") return &found.correlation;
  if (name == "causationid") return &found.causation;
  if (name == "datacontenttype") return &found.content_type;
  if (name == "traceparent") return &found.trace;
  return nullptr;
}

/// The attributes of a structured event, moved into storage of its own; `data` stays where it is.
Status collect_structured(JsonValue event, std::string_view source, Found& found, Envelope& out) {
  auto storage = std::make_shared<std::string>();
  storage->reserve(source.size());  // so that views into it stay good while it grows
  bool has_data = false;
  JsonValue name = event.first_child();
  for (std::size_t i = 0; i < event.size(); ++i) {
    const JsonValue value = name.sibling();
    if (auto* place = place_of_attribute(found, name.text())) {
      if (!value.is(JsonKind::string) || !printable(value.text()))
        return bad("must be printable text of at most 256 bytes", name.text());
      const auto at = storage->size();
      storage->append(value.text());
      *place = std::string_view(*storage).substr(at);
    } else if (name.text() == "data") {
      if (!value.is(JsonKind::object)) return bad("must be an object", "data");
      out.body = value.in_source(source);
      has_data = true;
    }
    name = value.sibling();
  }
  if (!has_data) return bad("is missing", "data");
  out.storage = std::move(storage);
  return {};
}

Result<Envelope> parse_structured(const stream::Record& record, const Found& headers) {
  if (!record.topic.ends_with(kCommands))
    return error(Errc::bad_envelope, "structured mode is accepted on command topics only");
  JsonDocument document;
  if (auto status = document.parse(*record.value); !status) return std::move(status).error();
  if (!document.root().is(JsonKind::object))
    return error(Errc::bad_envelope, "a structured event must be an object");
  Found found;
  Envelope envelope;
  if (auto status = collect_structured(document.root(), *record.value, found, envelope); !status)
    return std::move(status).error();
  if (found.content_type && !media_type_is(*found.content_type, kJson))
    return bad("must be application/json", "datacontenttype");
  found.signature = headers.signature;
  if (auto status = judge(found, envelope); !status) return std::move(status).error();
  return envelope;
}

}  // namespace

std::optional<Source> Source::parse(std::string_view text) noexcept {
  const auto slash = text.find('/');
  if (slash == 0 || slash == std::string_view::npos) return std::nullopt;
  const auto service = text.substr(0, slash);
  const auto lower = [](char c) { return c >= 'a' && c <= 'z'; };
  if (!lower(service[0]) || !std::ranges::all_of(service, [&](char c) {
        return lower(c) || (c >= '0' && c <= '9') || c == '_';
      }))
    return std::nullopt;
  text.remove_prefix(slash + 1);
  const auto shard = take_number<std::int32_t>(text);
  if (!shard || !text.empty()) return std::nullopt;
  return Source{service, *shard};
}

std::string Source::text() const {
  return std::string(service) + '/' + std::to_string(shard);
}

std::optional<Sequence> Sequence::parse(std::string_view text) noexcept {
  const auto seq = take_number<std::int64_t>(text);
  if (!seq || !text.starts_with('-')) return std::nullopt;
  text.remove_prefix(1);
  const auto index = take_number<std::int32_t>(text);
  if (!index || !text.empty()) return std::nullopt;
  return Sequence{*seq, *index};
}

std::string Sequence::text() const {
  return std::to_string(seq) + '-' + std::to_string(index);
}

bool valid_traceparent(std::string_view text) noexcept {
  constexpr std::size_t kLength = 55;
  if (text.size() != kLength || !text.starts_with("00-") || text[35] != '-' || text[52] != '-')
    return false;
  const auto hex = [](std::string_view part) {
    return std::ranges::all_of(
        part, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
  };
  const auto zero = [](std::string_view part) {
    return part.find_first_not_of('0') == std::string_view::npos;
  };
  const auto trace = text.substr(3, 32);
  const auto span = text.substr(36, 16);
  return hex(trace) && hex(span) && hex(text.substr(53)) && !zero(trace) && !zero(span);
}

std::string_view type_header(const stream::Record& record) noexcept {
  const auto content = record.header(header::kContentType);
  if (content && media_type_is(*content, kStructured)) return {};
  return record.header(header::kType).value_or("");
}

bool may_be(const stream::Record& record, std::string_view type) noexcept {
  const auto said = type_header(record);
  return said.empty() || said == type;
}

Result<Envelope> parse_envelope(const stream::Record& record) {
  Found found;
  if (auto status = collect(record, found); !status) return std::move(status).error();
  if (!record.value) return error(Errc::bad_envelope, "the record has no value");
  if (found.content_type && !media_type_is(*found.content_type, kJson)) {
    if (media_type_is(*found.content_type, kStructured)) return parse_structured(record, found);
    return bad("must be application/json, not '" + std::string(*found.content_type) + "'",
               header::kContentType);
  }
  Envelope envelope;
  if (auto status = judge(found, envelope); !status) return std::move(status).error();
  envelope.body = *record.value;
  return envelope;
}

EnvelopeHeaders::EnvelopeHeaders(const Attributes& attributes) noexcept {
  add(header::kSpecVersion, kVersion);
  add(header::kId, attributes.id);
  add(header::kSource, attributes.source);
  add(header::kType, attributes.type);
  add(header::kTime, {time_.data(), write_rfc3339(attributes.time, time_.data())});
  add(header::kContentType, kJson);
  const auto add_if_given = [this](std::string_view name, std::string_view value) {
    if (!value.empty()) add(name, value);
  };
  add_if_given(header::kSubject, attributes.subject);
  add_if_given(header::kCorrelation, attributes.correlation);
  add_if_given(header::kCausation, attributes.causation);
  add_if_given(header::kTraceParent, attributes.traceparent);
  add_if_given(header::kSignature, attributes.signature);
}

}  // namespace dropline::contracts
