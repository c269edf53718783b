#include "dropline/worker/outbox.hpp"

#include <bit>
#include <cstring>
#include <limits>

#include "dropline/base/ensure.hpp"
#include "dropline/worker/errors.hpp"

namespace dropline::worker {
namespace {

constexpr std::string_view kMagic = "DLO1";

template <class Number>
void put(std::string& out, Number number) {
  static_assert(std::endian::native == std::endian::little);
  out.append(reinterpret_cast<const char*>(&number), sizeof number);
}

void put_short(std::string& out, std::string_view text) {
  ensure(text.size() <= std::numeric_limits<std::uint16_t>::max(), "names are short");
  put(out, static_cast<std::uint16_t>(text.size()));
  out.append(text);
}

void put_optional(std::string& out, std::optional<std::string_view> text) {
  put(out, text ? static_cast<std::uint32_t>(text->size() + 1) : std::uint32_t{0});
  if (text) out.append(*text);
}

/// Reads what put() wrote; after the first thing that does not fit everything is empty.
class Reader final {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}

  template <class Number>
  Number number() {
    Number number{};
    const auto bytes = take(sizeof number);
    if (!bytes.empty()) std::memcpy(&number, bytes.data(), sizeof number);
    return number;
  }
  std::string_view take(std::size_t length) {
    if (length > rest_.size()) {
      ok_ = false;
      rest_ = {};
      return {};
    }
    const auto piece = rest_.substr(0, length);
    rest_.remove_prefix(length);
    return piece;
  }
  std::optional<std::string_view> optional() {
    const auto length = number<std::uint32_t>();
    if (length == 0) return std::nullopt;
    return take(length - 1);
  }
  [[nodiscard]] bool more() const { return ok_ && !rest_.empty(); }
  [[nodiscard]] bool ok() const { return ok_; }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

/// As it is framed: one more than its number.
constexpr std::uint32_t kMostPartition = 0x8000'0000;

}  // namespace

std::string new_frames() {
  return std::string(kMagic);
}

void frame(std::string& out, const stream::Draft& draft) {
  put(out, draft.partition ? static_cast<std::uint32_t>(*draft.partition) + 1 : 0U);
  put_short(out, draft.topic);
  put(out, static_cast<std::uint32_t>(draft.key.size()));
  out.append(draft.key);
  put_optional(out, draft.value);
  put(out, static_cast<std::uint16_t>(draft.headers.size()));
  for (const auto& header : draft.headers) {
    put_short(out, header.name);
    put_optional(out, header.value);
  }
}

Result<Frames> Frames::open(std::string bytes) {
  Frames frames;
  frames.bytes_ = std::make_unique<std::string>(std::move(bytes));
  Reader in(*frames.bytes_);
  const bool known = in.take(kMagic.size()) == kMagic;
  std::vector<std::size_t> first_header;
  bool sane = true;
  while (known && sane && in.more()) {
    stream::Draft draft;
    const auto partition = in.number<std::uint32_t>();
    sane = partition <= kMostPartition;
    if (partition != 0) draft.partition = static_cast<std::int32_t>(partition - 1);
    draft.topic = in.take(in.number<std::uint16_t>());
    draft.key = in.take(in.number<std::uint32_t>());
    draft.value = in.optional();
    const auto headers = in.number<std::uint16_t>();
    first_header.push_back(frames.headers_.size());
    for (unsigned i = 0; i < headers && in.ok(); ++i) {
      const auto name = in.take(in.number<std::uint16_t>());
      frames.headers_.push_back({name, in.optional()});
    }
    frames.drafts_.push_back(draft);
  }
  if (!known || !sane || !in.ok())
    return error(Errc::bad_frame, "an outbox row is not in the format DLO1 or is cut short");
  // Spans only now: the vector no longer moves.
  first_header.push_back(frames.headers_.size());
  for (std::size_t i = 0; i < frames.drafts_.size(); ++i)
    frames.drafts_[i].headers = std::span<const stream::Header>(
        frames.headers_.data() + first_header[i], first_header[i + 1] - first_header[i]);
  return frames;
}

}  // namespace dropline::worker
