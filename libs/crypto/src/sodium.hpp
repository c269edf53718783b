#pragma once

namespace dropline::crypto {

/// Must have been called before the first use of anything but hashing: libsodium chooses its
/// fastest implementations here. Any thread; costs nothing after the first call.
void prepare_sodium();

}  // namespace dropline::crypto
