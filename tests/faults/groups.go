// Attacks on the coordinators of groups: members and commits that are large, many, or made to be slow.
package main

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Longer than any answer may take here: test machines are busy.
const answerPatience = 30 * time.Second

// Bytes that a string on the wire may have.
const stringMax = 32767

// What a coordinator may say instead of taking part: never UNKNOWN_SERVER_ERROR, and never nothing.
var refusals = map[int16]bool{
	0:                                   true,
	kerr.InvalidRequest.Code:            true,
	kerr.MemberIDRequired.Code:          true,
	kerr.GroupMaxSizeReached.Code:       true,
	kerr.OffsetMetadataTooLarge.Code:    true,
	kerr.InvalidRegularExpression.Code:  true,
	kerr.CoordinatorLoadInProgress.Code: true,
	kerr.CoordinatorNotAvailable.Code:   true,
	kerr.InvalidCommitOffsetSize.Code:   true,
	kerr.RebalanceInProgress.Code:       true,
}

func send(connection net.Conn, asked kmsg.Request, version int16) error {
	_, err := connection.Write(frame(request(asked, version)))
	return err
}

func receive(connection net.Conn, asked kmsg.Request) (kmsg.Response, error) {
	connection.SetReadDeadline(time.Now().Add(answerPatience))
	length := make([]byte, 4)
	if _, err := io.ReadFull(connection, length); err != nil {
		return nil, err
	}
	content := make([]byte, binary.BigEndian.Uint32(length))
	if _, err := io.ReadFull(connection, content); err != nil {
		return nil, err
	}
	header := 4
	if asked.IsFlexible() {
		header = 5
	}
	answer := asked.ResponseKind()
	return answer, answer.ReadFrom(content[header:])
}

func ask(connection net.Conn, asked kmsg.Request, version int16) (kmsg.Response, error) {
	if err := send(connection, asked, version); err != nil {
		return nil, err
	}
	return receive(connection, asked)
}

func refused(code int16) error {
	if refusals[code] {
		return nil
	}
	return fmt.Errorf("answered with %w", kerr.ErrorForCode(code))
}

// The coordinators exist and have loaded.
func (t *hostileTest) coordinators() error {
	connection, err := t.dial()
	if err != nil {
		return err
	}
	defer connection.Close()
	for began := time.Now(); time.Since(began) < answerPatience; time.Sleep(50 * time.Millisecond) {
		find := kmsg.NewPtrFindCoordinatorRequest()
		find.CoordinatorKeys = []string{"hostile"}
		answer, err := ask(connection, find, 4)
		if err != nil {
			return err
		}
		if found := answer.(*kmsg.FindCoordinatorResponse).Coordinators; len(found) == 1 && found[0].ErrorCode == 0 {
			return nil
		}
	}
	return fmt.Errorf("no coordinator within %v", answerPatience)
}

func joinGroup(group string, metadata []byte, protocols int) *kmsg.JoinGroupRequest {
	join := kmsg.NewPtrJoinGroupRequest()
	join.Group, join.ProtocolType, join.SessionTimeoutMillis, join.RebalanceTimeoutMillis = group, "consumer", 300_000, 300_000
	for index := range protocols {
		protocol := kmsg.NewJoinGroupRequestProtocol()
		protocol.Name, protocol.Metadata = fmt.Sprint("protocol-", index), metadata
		join.Protocols = append(join.Protocols, protocol)
	}
	return join
}

// Members that tell 8 MiB of themselves, or name ten thousand protocols; old enough a version that the group takes them at once.
func (t *hostileTest) largeMembers(count int) (func(), error) {
	return t.open(count, func(index int, connection net.Conn) error {
		join := joinGroup(fmt.Sprint("large-", index%8), make([]byte, 8<<20), 1)
		if index%2 == 1 {
			join = joinGroup(fmt.Sprint("wide-", index%8), []byte("m"), 10_000)
		}
		return send(connection, join, 2)
	})
}

// Members that ask for an id and never come back.
func (t *hostileTest) forgetful(count int) (func(), error) {
	return t.open(count/100, func(_ int, connection net.Conn) error {
		for range 100 {
			join := joinGroup("forgetful", []byte("m"), 1)
			answer, err := ask(connection, join, 4)
			if err != nil {
				return err
			}
			if err := refused(answer.(*kmsg.JoinGroupResponse).ErrorCode); err != nil {
				return err
			}
		}
		return nil
	})
}

func heartbeat(group, member string) *kmsg.ConsumerGroupHeartbeatRequest {
	beat := kmsg.NewPtrConsumerGroupHeartbeatRequest()
	beat.Group, beat.MemberID, beat.RebalanceTimeoutMillis = group, member, 300_000
	beat.SubscribedTopicNames, beat.Topics = []string{probeTopic}, []kmsg.ConsumerGroupHeartbeatRequestTopic{}
	return beat
}

// Members of one consumer group, some with as many topics as a request takes.
func (t *hostileTest) crowd(count int) (func(), error) {
	return t.open(count/50, func(index int, connection net.Conn) error {
		for number := range 50 {
			beat := heartbeat("crowd", fmt.Sprintf("member-%d-%d", index, number))
			if number == 0 {
				for topic := range 1000 {
					beat.SubscribedTopicNames = append(beat.SubscribedTopicNames, fmt.Sprintf("no-such-topic-%d-%d", index, topic))
				}
			}
			answer, err := ask(connection, beat, 1)
			if err != nil {
				return err
			}
			if err := refused(answer.(*kmsg.ConsumerGroupHeartbeatResponse).ErrorCode); err != nil {
				return err
			}
		}
		return nil
	})
}

// Patterns that backtracking would never finish, and such that would take much memory once compiled.
func evilPatterns() []string {
	return []string{
		"(a*)*b", "(a|a)*b", "(a|aa)+$", "(.*a){25}", "(x+x+)+y", "a*" + strings.Repeat("a*", 2000) + "b",
		"((a{1,1000}){1,1000}){1,1000}", "(((.{999}){999}){999}){999}", "[\\x{1}-\\x{10ffff}]{1000}", "(\\pL{500}|\\pN{500}){500}",
		strings.Repeat("(", 16_000) + strings.Repeat(")", 16_000), strings.Repeat("(a", 5_000) + strings.Repeat(")*", 5_000),
		strings.Repeat("[a-z]|", 5_000) + "q", strings.Repeat("\\pL", 10_000), "(?:" + strings.Repeat("a?", 5_000) + ")" + strings.Repeat("a", 5_000),
		"a{1000}{1000}", "(?i)" + strings.Repeat("k", 30_000), "\\", "[", "(?P<", "a**", strings.Repeat("a", stringMax),
	}
}

func (t *hostileTest) patterns(count int) (func(), error) {
	evil := evilPatterns()
	return t.open(count, func(index int, connection net.Conn) error {
		for number := range evil {
			beat := heartbeat(fmt.Sprint("evil-", index%4), fmt.Sprintf("member-%d-%d", index, number))
			pattern := evil[(index+number)%len(evil)]
			beat.SubscribedTopicNames, beat.SubscribedTopicRegex = nil, &pattern
			answer, err := ask(connection, beat, 1)
			if err != nil {
				return fmt.Errorf("%.40s: %w", pattern, err)
			}
			if err := refused(answer.(*kmsg.ConsumerGroupHeartbeatResponse).ErrorCode); err != nil {
				return fmt.Errorf("%.40s: %w", pattern, err)
			}
		}
		return nil
	})
}

// Commits of ever new groups with all the metadata that is allowed, and more.
func (t *hostileTest) commits(count int) (func(), error) {
	return t.open(count/100, func(index int, connection net.Conn) error {
		for number := range 100 {
			length := 4096
			switch number {
			case 1:
				length = 4097
			case 2:
				length = stringMax
			}
			metadata := strings.Repeat("m", length)
			commit := kmsg.NewPtrOffsetCommitRequest()
			commit.Group = fmt.Sprintf("commits-%d-%d", index, number)
			topic, partition := kmsg.NewOffsetCommitRequestTopic(), kmsg.NewOffsetCommitRequestTopicPartition()
			partition.Offset, partition.Metadata = 1, &metadata
			topic.Topic, topic.Partitions = probeTopic, append(topic.Partitions, partition)
			commit.Topics = append(commit.Topics, topic)
			answer, err := ask(connection, commit, 8)
			if err != nil {
				return err
			}
			if err := refused(answer.(*kmsg.OffsetCommitResponse).Topics[0].Partitions[0].ErrorCode); err != nil {
				return err
			}
		}
		return nil
	})
}
