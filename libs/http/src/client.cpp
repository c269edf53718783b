#include "dropline/http/client.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <utility>

#include "text.hpp"

namespace dropline::http {
namespace {

using SteadyClock = std::chrono::steady_clock;

Error timed_out() {
  return error(Errc::timed_out, "the server did not answer in time");
}
Error closed() {
  return error(Errc::closed, "the server closed the connection");
}
Error bad(const char* detail) {
  return error(Errc::bad_response, detail);
}
Error system_error(const char* what) {
  return error(Errc::failed, std::string(what) + ": " + std::strerror(errno));
}

/// True when the socket is ready before `until`.
bool wait_for(int socket, short events, SteadyClock::time_point until) {
  while (true) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - SteadyClock::now());
    pollfd entry{socket, events, 0};
    const auto ready = ::poll(&entry, 1, static_cast<int>(std::max<std::int64_t>(0, left.count())));
    if (ready > 0) return true;
    if (ready == 0 && left.count() <= 0) return false;
    if (ready < 0 && errno != EINTR) return false;
  }
}

template <class Number>
bool parse_number(std::string_view text, Number& out, int base = 10) {
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), out, base);
  return !text.empty() && code == std::errc() && end == text.data() + text.size();
}

bool repeatable(std::string_view method) {
  return method == "GET" || method == "HEAD" || method == "PUT" || method == "DELETE" ||
         method == "OPTIONS";
}

bool given(const Client::Headers& headers, std::string_view name) {
  return std::ranges::any_of(headers,
                             [&](const auto& header) { return iequals(header.first, name); });
}

}  // namespace

std::optional<std::string_view> ClientResponse::header(std::string_view name) const noexcept {
  for (const auto& [known, value] : headers) {
    if (iequals(known, name)) return value;
  }
  return std::nullopt;
}

Client::Client(std::string address, std::uint16_t port, ClientOptions options)
    : address_(std::move(address)), port_(port), options_(options) {}

Client::~Client() {
  close();
}

Client::Client(Client&& other) noexcept
    : address_(std::move(other.address_)),
      port_(other.port_),
      options_(other.options_),
      socket_(std::exchange(other.socket_, -1)),
      input_(std::move(other.input_)),
      stream_text_(std::move(other.stream_text_)),
      stream_chunked_(other.stream_chunked_),
      comments_(other.comments_) {}

Client& Client::operator=(Client&& other) noexcept {
  if (this == &other) return *this;
  close();
  address_ = std::move(other.address_);
  port_ = other.port_;
  options_ = other.options_;
  socket_ = std::exchange(other.socket_, -1);
  input_ = std::move(other.input_);
  stream_text_ = std::move(other.stream_text_);
  stream_chunked_ = other.stream_chunked_;
  comments_ = other.comments_;
  return *this;
}

Client::Deadline Client::deadline() const {
  return SteadyClock::now() + options_.timeout;
}

Status Client::connect() {
  close();
  const auto until = deadline();
  sockaddr_in four{};
  sockaddr_in6 six{};
  const bool v6 = address_.find(':') != std::string::npos;
  sockaddr* place = nullptr;
  socklen_t size = 0;
  if (v6) {
    six.sin6_family = AF_INET6;
    six.sin6_port = htons(port_);
    if (inet_pton(AF_INET6, address_.c_str(), &six.sin6_addr) != 1)
      return error(Errc::bad_address, '"' + address_ + "\" is not an IP address");
    place = reinterpret_cast<sockaddr*>(&six);
    size = sizeof six;
  } else {
    four.sin_family = AF_INET;
    four.sin_port = htons(port_);
    if (inet_pton(AF_INET, address_.c_str(), &four.sin_addr) != 1)
      return error(Errc::bad_address, '"' + address_ + "\" is not an IP address");
    place = reinterpret_cast<sockaddr*>(&four);
    size = sizeof four;
  }
  socket_ = ::socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (socket_ < 0) return system_error("no socket");
  const int on = 1;
  ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  int failure = ::connect(socket_, place, size) == 0 ? 0 : errno;
  if (failure == EINPROGRESS) {
    if (!wait_for(socket_, POLLOUT, until)) {
      close();
      return timed_out();
    }
    socklen_t length = sizeof failure;
    ::getsockopt(socket_, SOL_SOCKET, SO_ERROR, &failure, &length);
  }
  if (failure == 0) return {};
  close();
  return error(Errc::unreachable, address_ + ':' + std::to_string(port_) +
                                      " does not answer: " + std::strerror(failure));
}

void Client::close() {
  if (socket_ >= 0) ::close(std::exchange(socket_, -1));
  input_.clear();
  stream_text_.clear();
}

void Client::abort() {
  if (socket_ < 0) return;
  const linger at_once{1, 0};
  ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  close();
}

void Client::finish_sending() {
  if (socket_ >= 0) ::shutdown(socket_, SHUT_WR);
}

Status Client::send(std::string_view bytes) {
  if (socket_ < 0) {
    if (auto connected = connect(); !connected) return connected;
  }
  return send_until(bytes, deadline());
}

Status Client::send_until(std::string_view bytes, Deadline until) {
  while (!bytes.empty()) {
    const auto sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent > 0) {
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      if (!wait_for(socket_, POLLOUT, until)) return timed_out();
    } else if (errno != EINTR) {
      return closed();
    }
  }
  return {};
}

Result<std::size_t> Client::fill(Deadline until) {
  if (socket_ < 0) return closed();
  char buffer[65'536];
  while (true) {
    const auto got = ::recv(socket_, buffer, sizeof buffer, 0);
    if (got >= 0) {
      input_.append(buffer, static_cast<std::size_t>(got));
      if (input_.size() > options_.max_response_bytes) return bad("the answer is too large");
      return static_cast<std::size_t>(got);
    }
    if (errno == EAGAIN || errno == EWOULDBLOCK) {
      if (!wait_for(socket_, POLLIN, until)) return timed_out();
    } else if (errno != EINTR) {
      return closed();
    }
  }
}

Result<std::string> Client::take_line(Deadline until) {
  std::size_t looked = 0;
  while (true) {
    const auto end = input_.find('\n', looked);
    if (end != std::string::npos) {
      auto line = input_.substr(0, end);
      input_.erase(0, end + 1);
      if (line.ends_with('\r')) line.pop_back();
      return line;
    }
    looked = input_.size();
    const auto got = fill(until);
    if (!got) return got.error();
    if (*got == 0) return closed();
  }
}

Result<std::string> Client::take(std::size_t size, Deadline until) {
  while (input_.size() < size) {
    const auto got = fill(until);
    if (!got) return got.error();
    if (*got == 0) return closed();
  }
  auto bytes = input_.substr(0, size);
  input_.erase(0, size);
  return bytes;
}

Result<ClientResponse> Client::read_head(Deadline until) {
  ClientResponse response;
  const auto status = take_line(until);
  if (!status) return status.error();
  if (status->size() < 12 || !status->starts_with("HTTP/1.") ||
      !parse_number(std::string_view(*status).substr(9, 3), response.status))
    return bad("the answer is not HTTP/1");
  response.minor_version = (*status)[7] - '0';
  while (true) {
    const auto line = take_line(until);
    if (!line) return line.error();
    if (line->empty()) return response;
    const auto colon = line->find(':');
    if (colon == std::string::npos) return bad("a header of the answer has no colon");
    response.headers.emplace_back(line->substr(0, colon),
                                  trim(std::string_view(*line).substr(colon + 1)));
  }
}

Status Client::read_chunks(std::string& out, Deadline until) {
  while (true) {
    const auto line = take_line(until);
    if (!line) return line.error();
    std::size_t size = 0;
    if (!parse_number(std::string_view(*line).substr(0, line->find(';')), size, 16))
      return bad("a chunk of the answer has no size");
    if (size > options_.max_response_bytes) return bad("the answer is too large");
    if (size == 0) break;
    const auto bytes = take(size + 2, until);
    if (!bytes) return bytes.error();
    out.append(*bytes, 0, size);
    if (out.size() > options_.max_response_bytes) return bad("the answer is too large");
  }
  while (true) {
    const auto line = take_line(until);
    if (!line) return line.error();
    if (line->empty()) return {};
  }
}

Status Client::read_body(ClientResponse& response, Deadline until) {
  if (response.status < 200 || response.status == 204 || response.status == 304) return {};
  if (const auto coding = response.header("transfer-encoding");
      coding && iequals(*coding, "chunked"))
    return read_chunks(response.body, until);
  if (const auto length = response.header("content-length")) {
    std::size_t size = 0;
    if (!parse_number(*length, size) || size > options_.max_response_bytes)
      return bad("the answer's length is not acceptable");
    auto bytes = take(size, until);
    if (!bytes) return bytes.error();
    response.body = std::move(*bytes);
    return {};
  }
  while (true) {
    const auto got = fill(until);
    if (!got) return got.error();
    if (*got == 0) break;
  }
  response.body = std::exchange(input_, {});
  return {};
}

Result<ClientResponse> Client::read_response(bool head_only, bool interim) {
  const auto until = deadline();
  while (true) {
    auto response = read_head(until);
    if (!response) return response;
    if (response->status < 200) {
      if (interim) return response;
      continue;
    }
    if (!head_only) {
      if (const auto read = read_body(*response, until); !read) return read.error();
    }
    const auto connection = response->header("connection");
    if (connection && iequals(*connection, "close") && !interim) {
      // What was sent beyond this answer will not be answered; the next call connects anew.
      if (input_.empty()) close();
    }
    return response;
  }
}

Result<ClientResponse> Client::request(std::string_view method, std::string_view target,
                                       const Headers& headers, std::string_view body) {
  std::string text(method);
  text += ' ';
  text += target;
  text += " HTTP/1.1\r\n";
  if (!given(headers, "host")) {
    const bool v6 = address_.find(':') != std::string::npos;
    text +=
        "Host: " + (v6 ? '[' + address_ + ']' : address_) + ':' + std::to_string(port_) + "\r\n";
  }
  for (const auto& [name, value] : headers)
    text += name + ": " + value + "\r\n";
  const bool sized = given(headers, "content-length") || given(headers, "transfer-encoding");
  if (!sized && (!body.empty() || method == "POST" || method == "PUT" || method == "PATCH"))
    text += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  text += "\r\n";
  text += body;
  const bool kept = connected();
  // A server may close a kept connection just as the request leaves.
  for (const bool last : {!kept || !repeatable(method), true}) {
    if (!connected()) {
      if (const auto opened = connect(); !opened) return opened.error();
    }
    const auto sent = send_until(text, deadline());
    auto response = sent ? read_response(method == "HEAD") : Result<ClientResponse>(sent.error());
    if (response) return response;
    const bool again = !last && response.error().code == Errc::closed && input_.empty();
    close();
    if (!again) return response;
  }
  return closed();
}

Result<ClientResponse> Client::post(std::string_view target, std::string_view body,
                                    const Headers& headers) {
  auto all = headers;
  if (!given(all, "content-type")) all.emplace_back("Content-Type", "application/json");
  return request("POST", target, all, body);
}

Result<std::string> Client::read_to_end() {
  const auto until = deadline();
  while (true) {
    const auto got = fill(until);
    if (!got && got.error().code != Errc::closed) return got.error();
    if (!got || *got == 0) break;
  }
  return std::exchange(input_, {});
}

bool Client::closed_by_peer(std::chrono::milliseconds wait) {
  if (!input_.empty()) return false;
  const auto got = fill(SteadyClock::now() + wait);
  return got ? *got == 0 : got.error().code == Errc::closed;
}

Result<ClientResponse> Client::open_stream(std::string_view target, const Headers& headers) {
  std::string text = "GET " + std::string(target) + " HTTP/1.1\r\nHost: " + address_ +
                     "\r\nAccept: text/event-stream\r\n";
  for (const auto& [name, value] : headers)
    text += name + ": " + value + "\r\n";
  text += "\r\n";
  if (const auto opened = connect(); !opened) return opened.error();
  const auto until = deadline();
  if (const auto sent = send_until(text, until); !sent) return sent.error();
  auto response = read_head(until);
  if (!response) return response;
  const auto coding = response->header("transfer-encoding");
  stream_chunked_ = coding && iequals(*coding, "chunked");
  stream_text_.clear();
  if (response->status != 200) {
    if (const auto read = read_body(*response, until); !read) return read.error();
  }
  return response;
}

Result<ClientEvent> Client::next_event() {
  const auto until = deadline();
  while (true) {
    const auto end = stream_text_.find("\n\n");
    if (end == std::string::npos) {
      if (!stream_chunked_) {
        const auto got = fill(until);
        if (!got) return got.error();
        if (*got == 0) return closed();
        stream_text_ += std::exchange(input_, {});
        continue;
      }
      const auto line = take_line(until);
      if (!line) return line.error();
      std::size_t size = 0;
      if (!parse_number(*line, size, 16)) return bad("a chunk of the stream has no size");
      if (size == 0) return closed();
      const auto bytes = take(size + 2, until);
      if (!bytes) return bytes.error();
      stream_text_.append(*bytes, 0, size);
      continue;
    }
    ClientEvent event;
    bool any = false;
    std::string_view block = std::string_view(stream_text_).substr(0, end);
    while (!block.empty()) {
      const auto stop = std::min(block.find('\n'), block.size());
      const auto line = block.substr(0, stop);
      block.remove_prefix(std::min(block.size(), stop + 1));
      if (line.starts_with(':')) {
        ++comments_;
      } else if (line.starts_with("id: ")) {
        event.id = line.substr(4);
      } else if (line.starts_with("event: ")) {
        event.event = line.substr(7);
      } else if (line.starts_with("data: ")) {
        if (any) event.data += '\n';
        event.data += line.substr(6);
        any = true;
      }
    }
    stream_text_.erase(0, end + 2);
    if (any) return event;
  }
}

}  // namespace dropline::http
