#include <doctest/doctest.h>

#include "dropline/crypto/hex.hpp"
#include "dropline/crypto/hmac.hpp"
#include "dropline/crypto/sha256.hpp"

using namespace dropline::crypto;

TEST_CASE("SHA-256 gives the digests that FIPS 180-4's examples give") {
  CHECK(hex_encode(sha256("")) ==
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(hex_encode(sha256("abc")) ==
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(hex_encode(sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")) ==
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  CHECK(hex_encode(sha256(std::string(1'000'000, 'a'))) ==
        "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST_CASE("hashing in pieces is hashing the whole, wherever it is cut") {
  const std::string text =
      "a drop's outcome is a pure function of one partition of the log, "
      "and this text is longer than one block of sixty-four bytes";
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    const std::string_view view(text);
    CHECK(Sha256().update(view.substr(0, cut)).update(view.substr(cut)).finish() == sha256(text));
  }
}

TEST_CASE("a copied hash goes on by itself") {
  Sha256 beginning;
  beginning.update("common ");
  Sha256 other = beginning;
  CHECK(other.update("other").finish() == sha256("common other"));
  CHECK(beginning.update("one").finish() == sha256("common one"));
}

TEST_CASE("HMAC-SHA256 gives RFC 4231's values") {
  CHECK(hex_encode(hmac_sha256(std::string(20, '\x0b'), "Hi There")) ==
        "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  CHECK(hex_encode(hmac_sha256("Jefe", "what do ya want for nothing?")) ==
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  CHECK(hex_encode(hmac_sha256(std::string(131, '\xaa'),
                               "Test Using Larger Than Block-Size Key - Hash Key First")) ==
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST_CASE("a key's pieces are hashed as one message, and the key can be used again") {
  const HmacKey key("secret");
  CHECK(key.mac({"one ", "", "message"}) == hmac_sha256("secret", "one message"));
  CHECK(key.mac("one message") == hmac_sha256("secret", "one message"));
  const HmacKey copy = key;
  CHECK(copy.mac("x") == key.mac("x"));
}

TEST_CASE("a MAC is verified, and any changed bit is noticed") {
  const HmacKey key("secret");
  auto mac = key.mac("message");
  CHECK(key.verify("message", mac));
  CHECK_FALSE(key.verify("Message", mac));
  CHECK_FALSE(HmacKey("Secret").verify("message", mac));
  for (auto& byte : mac) {
    byte ^= 1;
    CHECK_FALSE(key.verify("message", mac));
    byte ^= 1;
  }
}
