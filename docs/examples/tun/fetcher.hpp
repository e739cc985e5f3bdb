// SPDX-License-Identifier: MIT
// fetcher.hpp: gets one file over HTTP/1.1.
#pragma once

#include "files.hpp"
#include "http.hpp"
#include "settings.hpp"
#include "stack.hpp"

#include <string>

namespace tun {

class fetcher final : public application {
public:
    fetcher(stack& net, const settings& s);
    void opened(flow&) override {}
    void turn(flow& tcp) override {
        while (step(tcp)) {
        }
    }
    void ended(flow& tcp, std::string_view why) override;
    void stop() override;

private:
    bool step(flow& tcp);
    bool ask(flow& tcp);
    bool read_head(flow& tcp);
    bool read_body(flow& tcp);
    /// Says what is wrong, and gives up.
    bool fail(flow& tcp, std::string_view what);

    stack& net_;
    std::string url_, request_;
    file to_;
    http::head_reader head_;
    http::body_reader body_;
    bool in_body_ = false, done_ = false, failed_ = false;
    std::uint64_t octets_ = 0;
    tcpfsm::time_point begun_;
};

}  // namespace tun
