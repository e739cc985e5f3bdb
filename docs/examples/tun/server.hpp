// SPDX-License-Identifier: MIT
// server.hpp: answers GET, HEAD, PUT and POST with the files of a directory.
#pragma once

#include "files.hpp"
#include "http.hpp"
#include "settings.hpp"
#include "stack.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace tun {

/// One connection of the server: requests and answers, one after the other.
class session {
public:
    session(const directory& files, bool quiet) : files_{&files}, quiet_{quiet} {}
    /// Goes on as far as what has arrived, and the room to send, allow.
    void turn(flow& tcp) {
        while (step(tcp)) {
        }
    }
    /// After the answer that is under way, no more.
    void finish(flow& tcp);

private:
    /// True if something was done, and more may be possible.
    bool step(flow& tcp);
    bool read_head(flow& tcp);
    bool read_body(flow& tcp);
    bool write_text(flow& tcp);
    bool write_file(flow& tcp);
    bool drain(flow& tcp);

    void begin(const http::head& request);
    void end_of_body();
    /// The next answer; `length` octets of a body, of which the file is one.
    void answer(int status, std::string_view fields = {}, std::uint64_t length = 0);
    void refuse(int status);

    enum class phase : std::uint8_t { head, body, text, file, drain, over };
    phase at_ = phase::head;
    http::head_reader head_;
    http::body_reader body_;
    bool keep_alive_ = true;
    std::string path_;
    upload upload_;
    int status_ = 0;  ///< of the answer that waits for the end of the body

    std::string text_;  ///< of an answer, as far as it is not sent
    phase then_ = phase::head;
    file file_;
    std::uint64_t offset_ = 0, size_ = 0;

    const directory* files_;
    bool quiet_;
};

/// Listens, and has a session for each connection.
class server final : public application {
public:
    server(stack& net, const settings& s);
    void opened(flow& tcp) override;
    void turn(flow& tcp) override { sessions_.at(tcp.slot()).turn(tcp); }
    void ended(flow& tcp, std::string_view why) override;
    void stop() override;

private:
    stack& net_;
    directory files_;
    bool quiet_;
    std::map<std::uint32_t, session> sessions_;
};

}  // namespace tun
