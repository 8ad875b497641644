package admin

import (
	"bufio"
	"net"
	"net/http"
	"time"
)

// viewerWriteTimeout bounds each write to a viewer; a reading comes every second.
const viewerWriteTimeout = 10 * time.Second

// viewer is the ResponseWriter of a page that shows the plots. It owns the connection,
// because statsviz hijacks it and then neither reads nor closes it.
type viewer struct {
	http.ResponseWriter
	plots *plots
	conn  net.Conn // nil before the upgrade; guarded by plots.mu
}

// Hijack implements http.Hijacker.
func (v *viewer) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(v.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	v.plots.mu.Lock()
	defer v.plots.mu.Unlock()
	v.conn = conn
	if v.plots.stopping {
		v.closeLocked() // stop ran before the connection was stored
	}
	return viewerConn{conn}, rw, nil
}

// wait returns when the page or stop has closed the connection. A page sends nothing but
// its close frame, so the first byte means the end, too.
func (v *viewer) wait() {
	v.plots.mu.Lock()
	conn := v.conn
	v.plots.mu.Unlock()
	if conn != nil {
		conn.Read(make([]byte, 1))
	}
}

// closeLocked closes the connection; plots.mu is held.
func (v *viewer) closeLocked() {
	if v.conn != nil {
		v.conn.Close()
	}
}

// viewerConn closes itself when a write fails or takes too long, which statsviz does
// not.
type viewerConn struct{ net.Conn }

func (c viewerConn) Write(p []byte) (int, error) {
	c.SetWriteDeadline(time.Now().Add(viewerWriteTimeout))
	n, err := c.Conn.Write(p)
	if err != nil {
		c.Close()
	}
	return n, err
}
