// The attacks themselves, over plain sockets.
package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// What opens many connections at once must not be refused for the length of the listener's queue.
const openingAtOnce = 64

func (t *hostileTest) dial() (net.Conn, error) {
	var connection net.Conn
	var err error
	for range 20 {
		if connection, err = net.DialTimeout("tcp", t.broker.address(), 5*time.Second); err == nil {
			return connection, nil
		}
		time.Sleep(50 * time.Millisecond)
	}
	return nil, err
}

// Opens `count` connections and lets `begin` do its part on each; all of them are returned, also after an error.
func (t *hostileTest) open(count int, begin func(index int, connection net.Conn) error) (func(), error) {
	connections := make([]net.Conn, count)
	errs := make([]error, count)
	turns := make(chan struct{}, openingAtOnce)
	var group sync.WaitGroup
	for index := range count {
		turns <- struct{}{}
		group.Go(func() {
			defer func() { <-turns }()
			if connections[index], errs[index] = t.dial(); errs[index] == nil {
				errs[index] = begin(index, connections[index])
			}
		})
	}
	group.Wait()
	end := func() {
		for _, connection := range connections {
			if connection != nil {
				connection.Close()
			}
		}
	}
	return end, errors.Join(errs...)
}

func frame(body []byte) []byte {
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(body))), body...)
}

// A well-formed request with its header, as frame content.
func request(asked kmsg.Request, version int16) []byte {
	asked.SetVersion(version)
	formatter := kmsg.NewRequestFormatter(kmsg.FormatterClientID("hostile"))
	return formatter.AppendRequest(nil, asked, rand.Int32())[4:]
}

// A frame content that is wrong in one of many ways.
func malformedBody() []byte {
	key := int16(rand.IntN(94))
	switch rand.IntN(8) {
	case 0: // noise
		body := make([]byte, rand.IntN(200))
		for index := range body {
			body[index] = byte(rand.Uint32())
		}
		return body
	case 1: // a key or version that nobody has
		body := binary.BigEndian.AppendUint16(nil, uint16([]int{94, 1000, 32767, -1}[rand.IntN(4)]))
		return append(binary.BigEndian.AppendUint16(body, uint16(rand.IntN(65536))), 0, 0, 0, 1, 0, 0)
	}
	asked := kmsg.RequestForKey(key)
	if asked == nil {
		asked = kmsg.NewPtrMetadataRequest()
	}
	body := request(asked, int16(rand.IntN(int(asked.MaxVersion())+1)))
	at := 8 + rand.IntN(max(1, len(body)-8))
	switch rand.IntN(5) {
	case 0: // cut short
		return body[:rand.IntN(len(body))]
	case 1: // something left over
		return append(body, make([]byte, 1+rand.IntN(100))...)
	case 2: // a count that promises far too much
		for _, b := range [][]byte{{0x7f, 0xff, 0xff, 0xff}, {0xff, 0xff, 0xff, 0xff, 0x07}, {0x80, 0, 0, 0}}[rand.IntN(3)] {
			if at < len(body) {
				body[at] = b
				at++
			}
		}
		return body
	case 3: // flipped bits
		for range 1 + rand.IntN(8) {
			if position := 4 + rand.IntN(max(1, len(body)-4)); position < len(body) {
				body[position] ^= 1 << rand.IntN(8)
			}
		}
		return body
	default: // noise in place of the body
		for index := at; index < len(body); index++ {
			body[index] = byte(rand.Uint32())
		}
		return append(body, byte(rand.Uint32()), byte(rand.Uint32()))
	}
}

// Malformed frames, each on a connection of its own or several in a row on one. The broker may answer or close: it may not care.
func (t *hostileTest) malformed(count int) error {
	_, err := t.open(count/4, func(_ int, connection net.Conn) error {
		defer connection.Close()
		for range 4 {
			connection.SetDeadline(time.Now().Add(20 * time.Millisecond))
			if _, err := connection.Write(frame(malformedBody())); err != nil {
				return nil
			}
			if _, err := connection.Read(make([]byte, 4096)); err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
				return nil
			}
		}
		return nil
	})
	return err
}

// Lengths that no frame can have must close the connection at once.
func (t *hostileTest) impossible() error {
	for _, length := range []int32{-1, -2147483648, 2147483647, 104857601 + 1024} {
		connection, err := t.dial()
		if err != nil {
			return err
		}
		connection.SetDeadline(time.Now().Add(5 * time.Second))
		connection.Write(append(binary.BigEndian.AppendUint32(nil, uint32(length)), "rest"...))
		_, err = connection.Read(make([]byte, 1))
		connection.Close()
		if err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
			return fmt.Errorf("a frame of %d bytes did not close the connection", length)
		}
	}
	return nil
}

// Frames that announce 100 MB and send a little of it.
func (t *hostileTest) announced(count int) (func(), error) {
	return t.open(count, func(_ int, connection net.Conn) error {
		_, err := connection.Write(append(binary.BigEndian.AppendUint32(nil, 100_000_000), make([]byte, 1024)...))
		return err
	})
}

// Half of them say hello first, the others never say anything.
func (t *hostileTest) idle(count int) (func(), error) {
	hello := frame(request(kmsg.NewPtrApiVersionsRequest(), 0))
	return t.open(count, func(index int, connection net.Conn) error {
		if index%2 == 0 {
			return nil
		}
		if _, err := connection.Write(hello); err != nil {
			return err
		}
		connection.SetReadDeadline(time.Now().Add(30 * time.Second))
		if _, err := io.ReadFull(connection, make([]byte, 10)); err != nil {
			return fmt.Errorf("idle connection %d was not answered: %w", index, err)
		}
		return nil
	})
}

// A fetch of much data, by topic name.
func fetch() []byte {
	asked := kmsg.NewPtrFetchRequest()
	asked.MaxWaitMillis, asked.MinBytes, asked.MaxBytes = 100, 1, 50<<20
	topic := kmsg.NewFetchRequestTopic()
	topic.Topic = bulkTopic
	partition := kmsg.NewFetchRequestTopicPartition()
	partition.PartitionMaxBytes = 50 << 20
	topic.Partitions = append(topic.Partitions, partition)
	asked.Topics = append(asked.Topics, topic)
	return frame(request(asked, 11))
}

// Each asks for 50 MiB several times over and takes a byte now and then.
func (t *hostileTest) slowReaders(count int) (func(), error) {
	asked := fetch()
	done := make(chan struct{})
	end, err := t.open(count, func(_ int, connection net.Conn) error {
		connection.(*net.TCPConn).SetReadBuffer(4096)
		for range 5 {
			if _, err := connection.Write(asked); err != nil {
				return err
			}
		}
		go func() {
			for {
				select {
				case <-done:
					return
				case <-time.After(200 * time.Millisecond):
					connection.Read(make([]byte, 1))
				}
			}
		}()
		return nil
	})
	time.Sleep(3 * time.Second)
	return func() { close(done); end() }, err
}

// Asks on and on for metadata, and never reads an answer; a broker that stops reading such a client does well.
func (t *hostileTest) deaf(count int) (func(), error) {
	asked := frame(request(kmsg.NewPtrMetadataRequest(), 9))
	for len(asked) < 32<<10 {
		asked = append(asked, asked...)
	}
	return t.open(count, func(_ int, connection net.Conn) error {
		connection.(*net.TCPConn).SetReadBuffer(4096)
		connection.SetWriteDeadline(time.Now().Add(2 * time.Second))
		for range 200 {
			if _, err := connection.Write(asked); err != nil {
				break
			}
		}
		return nil
	})
}
