#include "record_codec.hpp"

#include <array>
#include <cstring>

#include "crc32c.hpp"

namespace dropline::stream::sqlite {
namespace {

void put_varint(std::uint64_t number, std::string& out) {
  while (number >= 0x80) {
    out.push_back(static_cast<char>(number | 0x80U));
    number >>= 7U;
  }
  out.push_back(static_cast<char>(number));
}

std::optional<std::uint64_t> get_varint(std::string_view& bytes) {
  std::uint64_t number = 0;
  for (unsigned shift = 0; shift < 35 && !bytes.empty(); shift += 7) {
    const auto byte = static_cast<unsigned char>(bytes.front());
    bytes.remove_prefix(1);
    number |= static_cast<std::uint64_t>(byte & 0x7FU) << shift;
    if ((byte & 0x80U) == 0) return number;
  }
  return std::nullopt;
}

std::optional<std::string_view> get_bytes(std::string_view& bytes, std::uint64_t size) {
  if (size > bytes.size()) return std::nullopt;
  const auto found = bytes.substr(0, size);
  bytes.remove_prefix(size);
  return found;
}

bool decode_header(std::string_view& bytes, Header& out) {
  const auto name_size = get_varint(bytes);
  const auto name = name_size ? get_bytes(bytes, *name_size) : std::nullopt;
  if (!name) return false;
  // Zero says null, so that an empty value is 1.
  const auto value_size = get_varint(bytes);
  if (!value_size) return false;
  std::optional<std::string_view> value;
  if (*value_size > 0) {
    value = get_bytes(bytes, *value_size - 1);
    if (!value) return false;
  }
  out = Header{*name, value};
  return true;
}

}  // namespace

void encode_headers(std::span<const Header> headers, std::string& out) {
  if (headers.empty()) return;
  put_varint(headers.size(), out);
  for (const auto& header : headers) {
    put_varint(header.name.size(), out);
    out.append(header.name);
    put_varint(header.value ? header.value->size() + 1 : 0, out);
    if (header.value) out.append(*header.value);
  }
}

std::optional<std::span<const Header>> decode_headers(std::string_view bytes,
                                                      std::pmr::memory_resource& memory) {
  if (bytes.empty()) return std::span<const Header>{};
  const auto count = get_varint(bytes);
  if (!count || *count == 0 || *count > kMaxHeaders) return std::nullopt;
  void* place = memory.allocate(*count * sizeof(Header), alignof(Header));
  auto* headers = static_cast<Header*>(place);
  for (std::size_t i = 0; i < *count; ++i) {
    std::construct_at(headers + i);
    if (!decode_header(bytes, headers[i])) return std::nullopt;
  }
  if (!bytes.empty()) return std::nullopt;
  return std::span<const Header>(headers, *count);
}

std::uint32_t checksum_of(std::int64_t log, const Row& row) noexcept {
  // A missing value counts as the size that no value has.
  const std::int64_t value_size = row.value ? static_cast<std::int64_t>(row.value->size()) : -1;
  const std::array<std::int64_t, 5> head{log, row.offset, row.append_time_ms,
                                         static_cast<std::int64_t>(row.key.size()), value_size};
  std::array<char, sizeof head> bytes;
  for (std::size_t i = 0; i < head.size(); ++i) {
    for (std::size_t byte = 0; byte < 8; ++byte) {
      bytes[i * 8 + byte] = static_cast<char>(static_cast<std::uint64_t>(head[i]) >> (byte * 8));
    }
  }
  std::uint32_t crc = crc32c(0, {bytes.data(), bytes.size()});
  crc = crc32c(crc, row.key);
  if (row.value) crc = crc32c(crc, *row.value);
  return crc32c(crc, row.headers);
}

}  // namespace dropline::stream::sqlite
