/*
 * Load over plain TCP, and what answers it; a client in Python would cost as much as the proxies that it measures.
 *
 *   sockload serve ECHO_PORT SOURCE_PORT                     gives back what it gets; gives bytes to whom has sent some
 *   sockload echo ADDRESS PORT CONNECTIONS SECONDS           one message of 100 bytes at a time on each connection
 *   sockload connect ADDRESS PORT CONNECTIONS SECONDS        the same, with a new connection for each message
 *   sockload bulk ADDRESS PORT CONNECTIONS SECONDS           takes bytes, after one message
 *
 * Clients print one line of JSON: units done (messages or bytes), errors, seconds, and latencies in seconds.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MESSAGE 100
#define CHUNK (256 * 1024)
#define MAX_FD 65536
#define SLOWEST 2000000 /* microseconds; latencies above count as this, the longest is kept by itself */
#define EVENTS 256

enum mode { ECHO, CONNECT, BULK };
enum kind { LISTEN_ECHO, LISTEN_SOURCE, GIVE_BACK, GIVE };

static char buffer[CHUNK];
static char zeros[CHUNK];
static char kind_of[MAX_FD];
static double began[MAX_FD];
static int received[MAX_FD];
static unsigned counts[SLOWEST + 1];
static double worst;
static long long units;
static long errors;
static int poller;

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec + time.tv_nsec * 1e-9;
}

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static void watch(int operation, int fd, unsigned events) {
    struct epoll_event event = {.events = events, .data.fd = fd};
    if (epoll_ctl(poller, operation, fd, &event) < 0)
        fail("epoll_ctl");
}

/* the server */

static void listen_on(int port, enum kind kind) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) < 0 || listen(fd, 4096) < 0)
        fail("listen");
    kind_of[fd] = kind;
    watch(EPOLL_CTL_ADD, fd, EPOLLIN);
}

static void take_in(int listener) {
    int one = 1, fd;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        if (fd >= MAX_FD) {
            close(fd);
            continue;
        }
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        kind_of[fd] = kind_of[listener] == LISTEN_ECHO ? GIVE_BACK : GIVE;
        watch(EPOLL_CTL_ADD, fd, EPOLLIN);
    }
}

static void give_back(int fd) {
    ssize_t got = recv(fd, buffer, sizeof buffer, 0);
    if (got < 0 && errno == EAGAIN)
        return;
    /* the bench's messages are small: one that does not fit into the socket is a client that does not read */
    if (got <= 0 || send(fd, buffer, got, MSG_NOSIGNAL) != got)
        close(fd);
}

/* begins once the client has spoken: a server that speaks first is not for proxies that find out what comes */
static void give(int fd, unsigned events) {
    if (events & EPOLLIN) {
        if (recv(fd, buffer, sizeof buffer, 0) <= 0) {
            close(fd);
            return;
        }
        watch(EPOLL_CTL_MOD, fd, EPOLLIN | EPOLLOUT);
    }
    if (events & (EPOLLHUP | EPOLLERR) || (events & EPOLLOUT && send(fd, zeros, sizeof zeros, MSG_NOSIGNAL) < 0 && errno != EAGAIN))
        close(fd);
}

static void serve(int echo_port, int source_port) {
    struct epoll_event events[EVENTS];
    listen_on(echo_port, LISTEN_ECHO);
    listen_on(source_port, LISTEN_SOURCE);
    for (;;) {
        int ready = epoll_wait(poller, events, EVENTS, -1);
        for (int index = 0; index < ready; index++) {
            int fd = events[index].data.fd;
            switch (kind_of[fd]) {
            case LISTEN_ECHO:
            case LISTEN_SOURCE: take_in(fd); break;
            case GIVE_BACK: give_back(fd); break;
            case GIVE: give(fd, events[index].events); break;
            }
        }
    }
}

/* the clients */

static void begin(const struct sockaddr_in *address) {
    int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (fd < 0 || fd >= MAX_FD)
        fail("socket");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    began[fd] = now();
    received[fd] = -1; /* not connected yet */
    if (connect(fd, (const struct sockaddr *)address, sizeof *address) < 0 && errno != EINPROGRESS)
        fail("connect");
    watch(EPOLL_CTL_ADD, fd, EPOLLOUT);
}

static void again(int fd, const struct sockaddr_in *address) {
    close(fd);
    begin(address);
}

static int say(int fd) {
    received[fd] = 0;
    return send(fd, buffer, MESSAGE, MSG_NOSIGNAL) == MESSAGE;
}

static void done(int fd) {
    double took = now() - began[fd];
    long microseconds = (long)(took * 1e6);
    counts[microseconds < SLOWEST ? microseconds : SLOWEST]++;
    if (took > worst)
        worst = took;
    units++;
}

/* tell whether the connection goes on */
static int step(int fd, enum mode mode) {
    if (received[fd] < 0) {
        int error = 0;
        socklen_t length = sizeof error;
        getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length);
        watch(EPOLL_CTL_MOD, fd, EPOLLIN);
        received[fd] = 0;
        return !error && say(fd);
    }
    /* MSG_TRUNC: bytes are dropped in the kernel */
    ssize_t got = recv(fd, buffer, sizeof buffer, mode == BULK ? MSG_TRUNC : 0);
    if (got <= 0)
        return got < 0 && errno == EAGAIN;
    if (mode == BULK) {
        units += got;
        return 1;
    }
    received[fd] += got;
    if (received[fd] < MESSAGE)
        return 1;
    done(fd);
    if (mode == CONNECT) {
        errors--; /* it ends well; `load` counts every end */
        return 0;
    }
    began[fd] = now();
    return say(fd);
}

static double latency(double share) {
    long long seen = 0, wanted, all = 0;
    for (int index = 0; index <= SLOWEST; index++)
        all += counts[index];
    wanted = (long long)(all * share);
    for (int index = 0; index <= SLOWEST; index++)
        if ((seen += counts[index]) > wanted)
            return index * 1e-6;
    return 0;
}

static int load(enum mode mode, const char *host, int port, int connections, double seconds) {
    struct epoll_event events[EVENTS];
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    if (inet_pton(AF_INET, host, &address.sin_addr) != 1)
        fail(host);
    double start = now(), end = start + seconds;
    for (int index = 0; index < connections; index++)
        begin(&address);
    while (now() < end) {
        int ready = epoll_wait(poller, events, EVENTS, 100);
        for (int index = 0; index < ready; index++)
            if (!step(events[index].data.fd, mode)) {
                errors++;
                again(events[index].data.fd, &address);
            }
        if (errors > 100000)
            break;
    }
    printf("{\"units\": %lld, \"errors\": %ld, \"seconds\": %.6f, \"p50\": %.6f, \"p90\": %.6f, \"p99\": %.6f, \"worst\": %.6f}\n", units, errors,
           now() - start, latency(0.5), latency(0.9), latency(0.99), worst);
    return 0;
}

int main(int count, char **words) {
    const char *mode = count > 1 ? words[1] : "";
    signal(SIGPIPE, SIG_IGN);
    poller = epoll_create1(0);
    if (count == 4 && !strcmp(mode, "serve"))
        serve(atoi(words[2]), atoi(words[3]));
    for (int index = ECHO; count == 6 && index <= BULK; index++)
        if (!strcmp(mode, ((const char *[]){"echo", "connect", "bulk"})[index]))
            return load(index, words[2], atoi(words[3]), atoi(words[4]), atof(words[5]));
    fprintf(stderr, "usage: sockload serve ECHO_PORT SOURCE_PORT | echo|connect|bulk ADDRESS PORT CONNECTIONS SECONDS\n");
    return 2;
}
