package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strconv"
	"time"

	"nowcast/internal/demo"
	"nowcast/workers"
)

// shortest is how long a launch takes at least, in the real day.
const shortest = 10 * time.Second

// work says what the recording has for this launch, and returns the last of it to the worker library.
func (s *standIn) work(ctx context.Context, w *workers.Run) (any, error) {
	speed, err := s.speed()
	if err != nil {
		return nil, err
	}
	begun := time.Now()
	dir := filepath.Dir(w.ConfigFile())
	day, err := demo.LoadDay(s.env(demo.EnvDay, filepath.Join(dir, "day.json")))
	if err != nil {
		return nil, err
	}
	claims, err := demo.OpenClaims(s.env(demo.EnvClaims, filepath.Join(dir, "claims")))
	if err != nil {
		return nil, err
	}
	start, err := claims.Started(begun)
	if err != nil {
		return nil, err
	}
	reports, err := s.part(day, claims)
	if err != nil {
		return nil, err
	}
	lines := talk(s.name(), s.args)
	w.Log.Info(lines[0])
	if len(reports) == 0 {
		<-ctx.Done()
		return nil, context.Cause(ctx)
	}
	for i, r := range reports {
		due := r.Due(start, speed, begun.Add(time.Duration(float64(shortest)/speed)))
		if err := until(ctx, due); err != nil {
			return nil, err
		}
		step := day.Steps[r.Step]
		if i == len(reports)-1 {
			w.Log.Info(lines[1])
			s.report = step.Message.Type
			return step.Data, nil
		}
		if _, err := w.Tell(step.Message.Type, step.Data); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// part returns what this launch is to report. A launch beyond the recorded ones repeats the first.
func (s *standIn) part(day *demo.Day, claims demo.Claims) ([]demo.Report, error) {
	k, err := claims.Take(s.module, s.args)
	if err != nil {
		return nil, err
	}
	scripts := demo.NewPlan(day).Match(s.module, s.args)
	switch {
	case len(scripts) == 0:
		return nil, workers.Errorf("the recorded day has no %s %q", s.module, s.args)
	case k < len(scripts):
		return scripts[k].Reports, nil
	}
	return scripts[0].Reports, nil
}

func (s *standIn) env(name, fallback string) string {
	if v, ok := s.lookupEnv(name); ok && v != "" {
		return v
	}
	return fallback
}

func (s *standIn) speed() (float64, error) {
	text := s.env(demo.EnvSpeed, strconv.Itoa(demo.DefaultSpeed))
	speed, err := strconv.ParseFloat(text, 64)
	if err != nil || speed <= 0 {
		return 0, fmt.Errorf("%s is %q, not a number above 0", demo.EnvSpeed, text)
	}
	return speed, nil
}

// until waits for a moment, unless ctx ends.
func until(ctx context.Context, t time.Time) error {
	timer := time.NewTimer(time.Until(t))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
