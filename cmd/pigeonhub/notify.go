package main

import (
	"log/slog"
	"net"
	"os"
	"strconv"
	"time"
)

// notifier sends the state of the service to systemd, as sd_notify(3) does. Without
// NOTIFY_SOCKET it does nothing.
type notifier struct {
	socket   string        // a path, or @ and an abstract name
	watchdog time.Duration // after this time without a sign of life systemd restarts the service; 0 is never
	log      *slog.Logger
}

func newNotifier(environ map[string]string, log *slog.Logger) notifier {
	n := notifier{socket: environ["NOTIFY_SOCKET"], log: log}
	pid := environ["WATCHDOG_PID"]
	if usec, err := strconv.ParseInt(environ["WATCHDOG_USEC"], 10, 64); err == nil && (pid == "" || pid == strconv.Itoa(os.Getpid())) {
		n.watchdog = time.Duration(usec) * time.Microsecond
	}
	return n
}

// send sends one state, such as READY=1.
func (n notifier) send(state string) {
	if n.socket == "" {
		return
	}
	conn, err := net.DialTimeout("unixgram", n.socket, time.Second)
	if err == nil {
		defer conn.Close()
		conn.SetDeadline(time.Now().Add(time.Second))
		_, err = conn.Write([]byte(state))
	}
	if err != nil {
		n.log.Warn("cannot notify systemd", "error", err)
	}
}

// reloading sends that the settings are being read. READY=1 ends it.
func (n notifier) reloading() {
	n.send("RELOADING=1\nMONOTONIC_USEC=" + strconv.FormatInt(monotonic().Microseconds(), 10))
}

// ticks returns a channel that receives in time for a sign of life, and a function that
// stops it. The channel is nil if systemd expects none.
func (n notifier) ticks() (<-chan time.Time, func()) {
	if n.socket == "" || n.watchdog <= 0 {
		return nil, func() {}
	}
	t := time.NewTicker(max(n.watchdog/2, time.Millisecond))
	return t.C, t.Stop
}
