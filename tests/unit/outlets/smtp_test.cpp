#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <map>
#include <string>
#include <thread>
#include <vector>

#include "common/outlets.hpp"
#include "dropline/crypto/base64url.hpp"
#include "dropline/notices/attempts.hpp"
#include "notice.hpp"

using namespace dropline;
using namespace dropline::testing;
using namespace std::chrono_literals;

namespace {

/// What a relay says to a command, by its word; "" is the greeting, "." a mail.
using Replies = std::map<std::string, std::string>;

/// A mail relay for one connection, on a thread of its own: answers by the first word of a line.
class Relay final {
 public:
  /// `replies`: instead of what a relay that takes everything says. An empty one closes.
  explicit Relay(Replies replies = {}) : replies_(std::move(replies)) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    REQUIRE(::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) == 0);
    REQUIRE(::listen(listener_, 1) == 0);
    REQUIRE(::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~Relay() { finish(); }
  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;

  [[nodiscard]] std::uint16_t port() const { return port_; }
  /// What was said to it, once the connection is over.
  const std::vector<std::string>& lines() {
    finish();
    return lines_;
  }

 private:
  void finish() {
    if (!thread_.joinable()) return;
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
  }

  [[nodiscard]] std::string reply(const std::string& word, const std::string& usual) const {
    const auto found = replies_.find(word);
    return found == replies_.end() ? usual : found->second;
  }

  bool say(const std::string& text) const {
    return !text.empty() &&
           ::send(peer_, (text + "\r\n").data(), text.size() + 2, MSG_NOSIGNAL) > 0;
  }

  bool read_line(std::string& line) {
    while (true) {
      const auto end = buffer_.find("\r\n");
      if (end != std::string::npos) {
        line = buffer_.substr(0, end);
        buffer_.erase(0, end + 2);
        return true;
      }
      char bytes[1'024];
      const auto got = ::recv(peer_, bytes, sizeof bytes, 0);
      if (got <= 0) return false;
      buffer_.append(bytes, static_cast<std::size_t>(got));
    }
  }

  void serve() {
    peer_ = ::accept(listener_, nullptr, nullptr);
    if (peer_ < 0) return;
    bool in_mail = false;
    bool open = say(reply("", "220 relay.example"));
    for (std::string line; open && read_line(line);) {
      lines_.push_back(line);
      if (in_mail) {
        if (line != ".") continue;
        in_mail = false;
        open = say(reply(".", "250 it is queued"));
        continue;
      }
      const auto word = line.substr(0, line.find(' '));
      in_mail = word == "DATA" && reply(word, "354").starts_with("354");
      open = say(reply(word, word == "DATA" ? "354 go on" : "250-relay.example\r\n250 yes"));
    }
    ::close(peer_);
  }

  Replies replies_;
  int listener_ = -1;
  int peer_ = -1;
  std::uint16_t port_ = 0;
  std::string buffer_;
  std::vector<std::string> lines_;
  std::thread thread_;
};

apps::SmtpTerms terms_of(const Relay& relay) {
  apps::SmtpTerms terms;
  terms.host = "127.0.0.1";
  terms.port = relay.port();
  terms.from = "shop@shop.example";
  terms.to = "{member}@members.shop.example";
  terms.timeout = 5s;
  return terms;
}

Result<std::string> mailed(Relay& relay, bool korean = true) {
  auto terms = terms_of(relay);
  terms.korean = korean;
  const ManualClock clock;
  apps::SmtpTarget target(terms, clock);
  return target.call(a_call());
}

/// What a mail reader makes of `text`: base64, with or without line ends.
std::string decoded(std::string text) {
  std::string plain;
  for (const char c : text)
    if (c != '=') plain += c == '+' ? '-' : c == '/' ? '_' : c;
  return crypto::base64url_decode(plain).value();
}

std::string header(const std::vector<std::string>& lines, const std::string& name) {
  std::string value;
  bool inside = false;
  for (const auto& line : lines) {
    if (inside && line.starts_with(' ')) {
      value += line;
      continue;
    }
    inside = line.starts_with(name + ": ");
    if (inside) value = line.substr(name.size() + 2);
  }
  return value;
}

/// The text of RFC 2047 words.
std::string words_of(std::string text) {
  std::string out;
  const std::string mark = "=?UTF-8?B?";
  for (auto at = text.find(mark); at != std::string::npos; at = text.find(mark, at + 1)) {
    const auto from = at + mark.size();
    out += decoded(text.substr(from, text.find("?=", from) - from));
  }
  return out;
}

std::string body_of(const std::vector<std::string>& lines) {
  std::string out;
  bool inside = false;
  for (const auto& line : lines) {
    if (line == ".") break;
    if (inside) out += line;
    if (line.empty()) inside = true;
  }
  return decoded(out);
}

}  // namespace

TEST_CASE("a notice is a mail whose name follows from it, in the shop's language") {
  for (const bool korean : {true, false}) {
    Relay relay;
    REQUIRE(mailed(relay, korean).value().empty());
    const auto& lines = relay.lines();
    REQUIRE(lines.size() > 4);
    CHECK(lines[0] == "EHLO shop.example");
    CHECK(lines[1] == "MAIL FROM:<shop@shop.example>");
    const auto to = "<" + a_notice().member.text() + "@members.shop.example>";
    CHECK(lines[2] == "RCPT TO:" + to);
    CHECK(lines[3] == "DATA");
    CHECK(header(lines, "To") == to);
    CHECK(header(lines, "Message-ID") == "<" + a_notice().id.text() + "@shop.example>");
    CHECK(header(lines, "Date") == "Thu, 01 Jan 2026 00:00:00 +0000");
    const auto notice = a_notice();
    const auto& words = korean ? notice.ko : notice.en;
    CHECK(words_of(header(lines, "Subject")) == words.subject);
    CHECK(body_of(lines) == words.text);
    for (const auto& line : lines)
      CHECK(line.size() <= 78);
    CHECK(lines.back() == "QUIT");
  }
}

TEST_CASE("what the relay refuses of this mail is refused for good") {
  for (const char* word : {"RCPT", "."}) {
    CAPTURE(word);
    Relay relay(Replies{{word, "550 no such mailbox"}});
    const auto answer = mailed(relay);
    REQUIRE(answer.has_value());
    CHECK(*answer == std::string(notices::kRefused) + "550 no such mailbox");
  }
}

TEST_CASE("what may be put right is tried again: trouble, and a shop that is set up wrong") {
  const Replies troubles[] = {
      {{"", "554 go away"}},
      {{"", "421 busy"}},
      {{"EHLO", "502 what"}},
      {{"MAIL", "530 STARTTLS first"}},
      {{"RCPT", "450 later"}},
      {{"DATA", "451 no room"}},
      {{".", "452 no room"}},
      {{"MAIL", ""}},
      {{"RCPT", "not a reply at all"}},
      {{".", ""}},
  };
  for (const auto& trouble : troubles) {
    CAPTURE(trouble.begin()->first);
    CAPTURE(trouble.begin()->second);
    Relay relay(trouble);
    CHECK_FALSE(mailed(relay).has_value());
  }
}

TEST_CASE("a relay that says nothing is given up in time") {
  Relay relay(Replies{{"", "220-first of many"}});
  auto terms = terms_of(relay);
  terms.timeout = 200ms;
  const SystemClock clock;
  apps::SmtpTarget target(terms, clock);
  const auto began = clock.steady();
  CHECK_FALSE(target.call(a_call()).has_value());
  CHECK(clock.steady() - began < 3s);
}
