#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "dropline/base/error.hpp"
#include "dropline/stream/record.hpp"

namespace dropline::worker {

/// What one shard's batch says, framed into the bytes of one outbox row.
///
/// Format, integers little-endian: "DLO1", then for each record
///   u32 partition + 1 (0: by key) | u16 topic length, topic | u32 key length, key
///   | u32 value length + 1 (0: tombstone), value | u16 header count
///   | for each header: u16 name length, name, u32 value length + 1 (0: null), value
void frame(std::string& out, const stream::Draft& draft);
[[nodiscard]] std::string new_frames();

/// A framed row, opened: the drafts are views into the bytes it owns.
class Frames final {
 public:
  /// Errc::bad_frame where the bytes are not of the format.
  [[nodiscard]] static Result<Frames> open(std::string bytes);

  [[nodiscard]] const std::vector<stream::Draft>& drafts() const noexcept { return drafts_; }

 private:
  // A deque-like split would cost more than the one look-up table: headers of all drafts lie in one
  // vector whose size is known before the spans are taken.
  std::unique_ptr<std::string> bytes_;
  std::vector<stream::Header> headers_;
  std::vector<stream::Draft> drafts_;
};

}  // namespace dropline::worker
