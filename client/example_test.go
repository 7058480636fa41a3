package client_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"stint/client"
)

// ours is the club whose address and password stand in the environment.
var ours = func() *client.Client {
	return &client.Client{BaseURL: os.Getenv("STINT_URL"), Password: os.Getenv("STINT_PASSWORD")}
}

func Example() {
	c := &client.Client{BaseURL: os.Getenv("STINT_URL"), Password: os.Getenv("STINT_PASSWORD")}
	if _, err := c.SetStatus(context.Background(), "Hans", client.Public, "come in"); err != nil {
		fmt.Println(err)
		return
	}
	everybody := &client.Client{BaseURL: os.Getenv("STINT_URL")}
	now, err := everybody.Status(context.Background())
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(now.Changed.Status)
	// Output: public
}

func ExampleClient_Announce() {
	tomorrow := time.Now().AddDate(0, 0, 1)
	a, err := ours().Announce(context.Background(), client.Announcement{
		User: "Hans", From: tomorrow, To: tomorrow.Add(2 * time.Hour),
		Note: new("soldering"), IsPublic: new(true),
	})
	fmt.Println(a.Method, a.Note, a.AID == a.ID, err)
	// Output: new soldering true <nil>
}

func ExampleClient_Actions() {
	for a, err := range ours().Actions(context.Background(), client.TypeStatus, client.Query{Count: 1, First: true}) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(a.ID, a.Status, a.Note)
	}
	// Output: 1 closed initial state
}

func ExampleClient_Stream() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	for a, err := range ours().Stream(ctx, client.TypeAll, client.StreamOptions{}) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println("the last", a.Type)
		if a.Type == client.TypePresence {
			break
		}
	}
	// Output: the last presence
}

func ExampleTracker() {
	t := &client.Tracker{BaseURL: os.Getenv("STINT_URL"), Token: os.Getenv("STINT_TOKEN")}
	ctx := context.Background()
	week := time.Now().AddDate(0, 0, 7).Format(time.DateOnly)
	made, err := t.Start(ctx, client.Start{
		ScheduledEnd: week + " 09:00",
		Notes:        "one week",
		Games:        client.Games{Dice: &client.Dice{Number: 2, Unit: client.Hour, Wait: 6, WaitUnit: client.Hour, Max: 1.5}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	s, err := t.Get(ctx, made.ID)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(s.Active, s.Scheduled.Local == week+" 09:00:00", *s.Notes, s.Games.Dice.Number, s.Games.Dice.Max)
	fmt.Println(t.Discard(ctx, made.ID))
	// Output:
	// true true one week 2 1.5
	// <nil>
}

func ExampleTracker_Sessions() {
	t := &client.Tracker{BaseURL: os.Getenv("STINT_URL"), Token: os.Getenv("STINT_TOKEN")}
	for s, err := range t.Sessions(context.Background(), client.Filter{Active: new(true)}) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(s.ID, s.Start.Local)
	}
	// Output:
}

func ExampleError() {
	_, err := ours().SetStatus(context.Background(), "Hans", "ajar", "")
	var refused *client.Error
	if errors.As(err, &refused) {
		fmt.Println(refused.Status, refused.Member)
	}
	// Output: 400 status
}
