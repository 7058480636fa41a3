package stream

import (
	"io"
	"net"
	"syscall"
)

// An attempt is one system call on a connection that doesn't wait. It is
// reused: it allocates nothing.
type attempt struct {
	buf     []byte
	n       int
	err     error
	write   func(fd uintptr) bool
	read    func(fd uintptr) bool
	scratch []byte
}

func newAttempt() *attempt {
	a := &attempt{}
	a.write, a.read = a.writeFD, a.readFD
	return a
}

// send writes as much of b as c takes at once, and returns how much. A full
// socket is no error.
func (a *attempt) send(c syscall.RawConn, b []byte) (int, error) {
	a.buf, a.n, a.err = b, 0, nil
	err := c.Write(a.write)
	a.buf = nil
	if err == nil {
		err = a.err
	}
	return a.n, err
}

func (a *attempt) writeFD(fd uintptr) bool {
	for {
		n, err := syscall.Write(int(fd), a.buf)
		switch {
		case err == syscall.EINTR:
			continue
		case err == syscall.EAGAIN:
		case err != nil:
			a.err = err
		default:
			a.n = n
		}
		return true
	}
}

// drain throws away what the other side of c sent. An error, io.EOF too, means
// that it is gone.
func (a *attempt) drain(c syscall.RawConn) error {
	a.err = nil
	if a.scratch == nil {
		a.scratch = make([]byte, 4<<10)
	}
	if err := c.Read(a.read); err != nil {
		return err
	}
	return a.err
}

func (a *attempt) readFD(fd uintptr) bool {
	for range 16 {
		n, err := syscall.Read(int(fd), a.scratch)
		switch {
		case err == syscall.EINTR:
		case err == syscall.EAGAIN:
			return true
		case err != nil:
			a.err = err
			return true
		case n == 0:
			a.err = io.EOF
			return true
		}
	}
	return true
}

// rawConn returns the socket below c when c is nothing but a socket.
func rawConn(c net.Conn) (syscall.RawConn, bool) {
	var sc syscall.Conn
	switch c := c.(type) {
	case *net.TCPConn:
		sc = c
	case *net.UnixConn:
		sc = c
	default:
		return nil, false
	}
	raw, err := sc.SyscallConn()
	return raw, err == nil
}
