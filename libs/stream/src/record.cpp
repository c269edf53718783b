#include "dropline/stream/record.hpp"

#include <algorithm>
#include <string>

#include "dropline/stream/errors.hpp"

namespace dropline::stream {

std::optional<std::string_view> find_header(std::span<const Header> headers,
                                            std::string_view name) noexcept {
  const auto found = std::ranges::find(headers, name, &Header::name);
  return found == headers.end() ? std::nullopt : found->value;
}

std::size_t record_bytes(const Draft& draft) noexcept {
  std::size_t bytes = draft.key.size() + (draft.value ? draft.value->size() : 0);
  for (const Header& header : draft.headers)
    bytes += header.name.size() + (header.value ? header.value->size() : 0);
  return bytes;
}

Status check(const Draft& draft) {
  if (draft.headers.size() > kMaxHeaders)
    return error(Errc::bad_record, "a record has at most " + std::to_string(kMaxHeaders) +
                                       " headers, not " + std::to_string(draft.headers.size()));
  for (const Header& header : draft.headers)
    if (header.name.empty() || header.name.size() > kMaxHeaderNameBytes)
      return error(Errc::bad_record, "a header's name has 1 to " +
                                         std::to_string(kMaxHeaderNameBytes) + " bytes, not " +
                                         std::to_string(header.name.size()));
  const std::size_t bytes = record_bytes(draft);
  if (bytes > kMaxRecordBytes)
    return error(Errc::too_large, "key, value and headers have " + std::to_string(bytes) +
                                      " bytes; a record has at most " +
                                      std::to_string(kMaxRecordBytes));
  return {};
}

}  // namespace dropline::stream
