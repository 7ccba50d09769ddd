package board_test

import (
	"slices"
	"testing"

	"plumb.dev/plumb/internal/board"
	"plumb.dev/plumb/internal/status"
)

func app(name string, failures int) status.App {
	return status.App{Namespace: "shop", Name: name, Failures: failures}
}

func ids(apps []status.App) (list []string) {
	for _, a := range apps {
		list = append(list, a.ID())
	}
	return list
}

func TestATurnIsShownAtOnce(t *testing.T) {
	t.Parallel()
	b := board.New()
	changed := b.Changed()
	b.Put(app("web", 1))
	b.Put(app("api", 1))
	if before := b.Put(app("web", 2)); before.Failures != 1 {
		t.Errorf("before the second one there was %+v", before)
	}
	if s, ok := b.Newest("shop/web"); !ok || s.Failures != 2 {
		t.Errorf("the writer reads %+v, %v", s, ok)
	}
	select {
	case <-changed:
		t.Error("a turn that isn't over was told")
	default:
	}
	if apps := b.Apps(); len(apps) != 0 {
		t.Errorf("a turn that isn't over shows %v", apps)
	}
	b.Show()
	<-changed
	if got := ids(b.Apps()); !slices.Equal(got, []string{"shop/api", "shop/web"}) {
		t.Errorf("got %v", got)
	}
}

func TestWhatIsGone(t *testing.T) {
	t.Parallel()
	b := board.New()
	b.Put(app("web", 1))
	b.Show()
	b.Remove("shop/web")
	if _, ok := b.Newest("shop/web"); ok {
		t.Error("the writer still reads what is gone")
	}
	if len(b.Apps()) != 1 {
		t.Error("it went before the turn was over")
	}
	changed := b.Changed()
	b.Show()
	<-changed
	if apps := b.Apps(); len(apps) != 0 {
		t.Errorf("got %v", apps)
	}
	changed = b.Changed()
	b.Show()
	select {
	case <-changed:
		t.Error("nothing changed, and it was told")
	default:
	}
}
