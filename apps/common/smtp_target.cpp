#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <ctime>

#include "common/outlets.hpp"
#include "dropline/http/errors.hpp"
#include "dropline/notices/attempts.hpp"
#include "dropline/notices/notices.hpp"

namespace dropline::apps {
namespace {

using Clocked = std::chrono::steady_clock;

Error failed(std::string what) {
  return http::error(http::Errc::bad_response, "mail relay: " + std::move(what));
}

/// RFC 4648, with padding, for headers and bodies of mails.
std::string base64(std::string_view bytes) {
  constexpr std::string_view kLetters =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const auto left = std::min<std::size_t>(3, bytes.size() - i);
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 3; ++k)
      group = group << 8 | (k < left ? static_cast<std::uint8_t>(bytes[i + k]) : 0U);
    for (std::size_t k = 0; k < 4; ++k)
      out += k <= left ? kLetters[group >> (18 - 6 * k) & 63U] : '=';
  }
  return out;
}

/// A connection that speaks lines, all of it before one deadline.
class Line final {
 public:
  explicit Line(Clocked::time_point until) : until_(until) {}
  ~Line() {
    if (socket_ >= 0) ::close(socket_);
  }
  Line(const Line&) = delete;
  Line& operator=(const Line&) = delete;

  Status connect(const std::string& host, std::uint16_t port) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    if (::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found) != 0)
      return failed("no address for " + host);
    const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> all(found, &::freeaddrinfo);
    socket_ = ::socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (socket_ < 0) return failed(std::strerror(errno));
    if (::connect(socket_, found->ai_addr, found->ai_addrlen) != 0 && errno != EINPROGRESS)
      return failed(host + ": " + std::strerror(errno));
    if (!wait(POLLOUT)) return failed(host + " does not answer");
    int error = 0;
    socklen_t size = sizeof error;
    ::getsockopt(socket_, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) return failed(host + ": " + std::strerror(error));
    return {};
  }

  Status send(std::string_view bytes) {
    while (!bytes.empty()) {
      const auto sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent > 0) {
        bytes.remove_prefix(static_cast<std::size_t>(sent));
      } else if (sent < 0 && errno != EAGAIN && errno != EINTR) {
        return failed(std::strerror(errno));
      } else if (!wait(POLLOUT)) {
        return failed("takes nothing");
      }
    }
    return {};
  }

  /// The code and the last line's words.
  Result<std::pair<int, std::string>> reply() {
    constexpr std::size_t kMaxReply = 64 * 1'024;
    while (true) {
      const auto end = buffer_.find("\r\n");
      if (end != std::string::npos) {
        auto line = buffer_.substr(0, end);
        buffer_.erase(0, end + 2);
        if (line.size() < 3 || line.find_first_not_of("0123456789") < 3)
          return failed("not a reply: " + line);
        if (line.size() > 3 && line[3] == '-') continue;  // More lines follow.
        return std::pair(std::stoi(line.substr(0, 3)),
                         line.substr(std::min<std::size_t>(4, line.size())));
      }
      if (buffer_.size() > kMaxReply) return failed("an endless reply");
      char bytes[4'096];
      const auto got = ::recv(socket_, bytes, sizeof bytes, 0);
      if (got > 0) {
        buffer_.append(bytes, static_cast<std::size_t>(got));
      } else if (got == 0) {
        return failed("closed the connection");
      } else if (errno != EAGAIN && errno != EINTR) {
        return failed(std::strerror(errno));
      } else if (!wait(POLLIN)) {
        return failed("says nothing");
      }
    }
  }

 private:
  bool wait(short what) const {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(until_ - Clocked::now()).count();
    pollfd one{socket_, what, 0};
    return left > 0 && ::poll(&one, 1, static_cast<int>(left)) > 0;
  }

  Clocked::time_point until_;
  int socket_ = -1;
  std::string buffer_;
};

std::string mail_date(Timestamp at) {
  const auto seconds = static_cast<std::time_t>(unix_ms(at) / 1'000);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  char text[64];
  // The C locale's names, whatever the process's locale is: nothing here ever sets another.
  std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S +0000", &parts);
  return text;
}

/// RFC 2047: in pieces short enough, cut between code points.
std::string encoded_word(std::string_view text) {
  constexpr std::size_t kPiece = 39;  // so that a line of the header stays within 76
  std::string out;
  while (!text.empty()) {
    auto size = std::min(kPiece, text.size());
    while (size < text.size() && (static_cast<std::uint8_t>(text[size]) & 0xC0U) == 0x80U)
      --size;
    if (!out.empty()) out += "\r\n ";
    out += "=?UTF-8?B?" + base64(text.substr(0, size)) + "?=";
    text.remove_prefix(size);
  }
  return out;
}

std::string domain_of(const std::string& address) {
  const auto at = address.rfind('@');
  return at == std::string::npos ? "localhost" : address.substr(at + 1);
}

std::string mail(const SmtpTerms& terms, const std::string& to, const notices::Notice& notice,
                 Timestamp now) {
  constexpr std::size_t kLine = 76;
  const auto& words = terms.korean ? notice.ko : notice.en;
  std::string out = "From: <" + terms.from + ">\r\nTo: <" + to +
                    ">\r\nSubject: " + encoded_word(words.subject) + "\r\nDate: " + mail_date(now) +
                    "\r\nMessage-ID: <" + notice.id.text() + '@' + domain_of(terms.from) +
                    ">\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
                    "Content-Transfer-Encoding: base64\r\nAuto-Submitted: auto-generated\r\n\r\n";
  const auto body = base64(words.text);
  for (std::size_t i = 0; i < body.size(); i += kLine)
    out += body.substr(i, kLine) + "\r\n";
  return out + ".\r\n";
}

}  // namespace

Result<std::string> SmtpTarget::call(const worker::Call& call) {
  const auto notice = contracts::decode<notices::Notice>(call.request);
  if (!notice) return std::string(notices::kRefused) + notice.error().text();
  auto to = terms_.to;
  constexpr std::string_view kMember = "{member}";
  if (const auto at = to.find(kMember); at != std::string::npos)
    to.replace(at, kMember.size(), notice->member.text());
  Line line(Clocked::now() + terms_.timeout);
  if (auto done = line.connect(terms_.host, terms_.port); !done) return done.error();
  struct Step {
    std::string words;
    int expected;
    bool of_this_mail;  ///< a refusal is of this mail; else of the shop, which can be put right
  };
  const Step steps[] = {
      {"", 220, false},
      {"EHLO " + domain_of(terms_.from) + "\r\n", 250, false},
      {"MAIL FROM:<" + terms_.from + ">\r\n", 250, false},
      {"RCPT TO:<" + to + ">\r\n", 250, true},
      {"DATA\r\n", 354, false},
      {mail(terms_, to, *notice, clock_.now()), 250, true},
  };
  for (const auto& [words, expected, of_this_mail] : steps) {
    if (auto done = line.send(words); !done) return done.error();
    const auto reply = line.reply();
    if (!reply) return reply.error();
    const auto& [code, said] = *reply;
    constexpr int kForGood = 5;
    if (code / 100 == kForGood && of_this_mail)
      return std::string(notices::kRefused) + std::to_string(code) + ' ' + said;
    if (code / 100 != expected / 100) return failed(std::to_string(code) + ' ' + said);
  }
  // It has the mail: what it says to a goodbye changes nothing.
  static_cast<void>(line.send("QUIT\r\n"));
  return std::string();
}

}  // namespace dropline::apps
