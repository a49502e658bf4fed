import { i18n } from '../i18n/index.svelte';
import { api, asErrorBody, isAbort } from '../lib/api/client';
import type { ApiErrorBody, CatalogueEntry, Job, JobState, Source, Verification } from '../lib/api/types';
import { announcements } from './announce.svelte';
import { app } from './app.svelte';

/** Jobs that are not over. */
export const unfinished = (job: Job) => job.state !== 'done' && job.state !== 'cancelled';

/** The state of a running verification, or how it ended. */
export interface Check {
  done: number;
  total: number;
  result?: Verification;
  error?: ApiErrorBody;
  control?: AbortController;
}

/** What the models page shows beyond what the whole page knows. */
class Models {
  catalogue = $state.raw<CatalogueEntry[] | null>(null);
  /** Why there is no catalogue. */
  failure = $state.raw<ApiErrorBody | null>(null);
  /** What went wrong with the action on a model, by its repository or name. */
  problems = $state.raw<Record<string, ApiErrorBody>>({});
  checks = $state.raw<Record<string, Check>>({});
  busy = $state.raw<Record<string, boolean>>({});
  #stages = new Map<string, JobState>();

  async load(): Promise<void> {
    try {
      const [catalogue, jobs] = await Promise.all([api.catalogue(), api.jobs()]);
      this.catalogue = catalogue;
      for (const job of jobs) this.#take(job);
      this.failure = null;
    } catch (thrown) {
      this.failure = asErrorBody(thrown);
    }
  }

  title(repo: string): string {
    return this.catalogue?.find((e) => e.repo === repo)?.title ?? repo;
  }

  /** Tells a screen reader of a new stage, never of mere progress. */
  follow(jobs: Job[]): void {
    for (const job of jobs) {
      const before = this.#stages.get(job.id);
      this.#stages.set(job.id, job.state);
      if (before && before !== job.state)
        announcements.say(i18n.t.models.said(this.title(job.repo), i18n.t.models.stages[job.state]));
    }
  }

  problem(key: string, error: ApiErrorBody | null): void {
    const { [key]: _, ...rest } = this.problems;
    this.problems = error ? { ...rest, [key]: error } : rest;
  }

  /** Runs an action on a model; what goes wrong is shown beside it. */
  async act<T>(key: string, action: () => Promise<T>): Promise<T | undefined> {
    if (this.busy[key]) return undefined;
    this.busy = { ...this.busy, [key]: true };
    this.problem(key, null);
    try {
      return await action();
    } catch (thrown) {
      this.problem(key, asErrorBody(thrown));
      return undefined;
    } finally {
      this.busy = { ...this.busy, [key]: false };
    }
  }

  /** Downloads from a hub; a download that was begun at the other goes on there. */
  async pull(repo: string, source?: Source): Promise<boolean> {
    const job = await this.act(repo, () => api.pull(repo, source ? { source } : {}));
    if (job) this.#take(job);
    return !!job;
  }

  async pause(job: Job): Promise<void> {
    await this.act(job.repo, () => api.pauseJob(job.id));
  }

  async resume(job: Job): Promise<void> {
    await this.act(job.repo, () => api.resumeJob(job.id));
  }

  async cancel(job: Job): Promise<void> {
    await this.act(job.repo, () => api.cancelJob(job.id));
  }

  async remove(name: string): Promise<void> {
    await this.act(name, () => api.removeModel(name));
    const { [name]: _, ...rest } = this.checks;
    this.checks = rest;
    void this.load();
  }

  async verify(name: string): Promise<void> {
    const control = new AbortController();
    const set = (check: Check) => (this.checks = { ...this.checks, [name]: check });
    set({ done: 0, total: 0, control });
    try {
      for await (const e of api.verifyModel(name, control.signal)) {
        if (e.event === 'progress') set({ ...e.data, control });
        else if (e.event === 'done') {
          set({ done: 1, total: 1, result: e.data });
          announcements.say(this.outcome(e.data));
        } else set({ done: 0, total: 0, error: e.data });
      }
    } catch (thrown) {
      if (isAbort(thrown)) {
        const { [name]: _, ...rest } = this.checks;
        this.checks = rest;
      } else set({ done: 0, total: 0, error: asErrorBody(thrown) });
    }
  }

  /** How a verification ended, in words. */
  outcome(v: Verification): string {
    const t = i18n.t.models;
    const bad = v.files.filter((f) => f.state === 'changed' || f.state === 'missing').map((f) => f.path);
    if (bad.length) return t.changed(bad.join(', '));
    return v.files.some((f) => f.state === 'recorded') ? t.recorded : t.verified;
  }

  /** Adds a new job. Of a known one the events have told more since than the answer knows. */
  #take(job: Job): void {
    if (!app.jobs.some((j) => j.id === job.id)) app.jobs = [...app.jobs, job];
  }
}

export const models = new Models();
