import type { Rows } from "@millrace/core/host"
import { useEffect, useRef } from "preact/hooks"
import { call } from "../../api/call.ts"
import { ask } from "../../dialogs/Ask.tsx"
import { jobSays, jobTitle } from "../../logic/letters.ts"
import { Button } from "../../parts/Button.tsx"
import { Notice } from "../../parts/Notice.tsx"
import { announce } from "../../state/messages.ts"
import { status } from "../../state/status.ts"
import { shown } from "../../text/escape.ts"
import { plural } from "../../text/numbers.ts"

type Job = Rows.Job

const stop = ({ name, delivered }: Job): void =>
  ask({
    title: "Stop the replay?",
    sure: (
      <p>
        What has been delivered stays delivered: <b>{plural(delivered, "event")}</b>. The rest is not sent.
      </p>
    ),
    verb: "Stop",
    danger: true,
    run: () => call("jobs/stop", { name }),
    done: () => "Stopped",
  })

/** Progress by tenths is what is said to those who do not see the bar. */
const useTold = (job: Job): void => {
  const tenth = job.total ? Math.floor((job.looked / job.total) * 10) : 0
  const told = useRef(tenth)
  const ended = job.endedAt !== null
  useEffect(() => {
    if (ended || tenth > told.current) announce(`${jobTitle(job)}: ${jobSays(job)}`)
    told.current = tenth
  }, [tenth, ended])
}

const Running = ({ job }: { readonly job: Job }) => {
  useTold(job)
  const hasEnded = job.endedAt !== null
  return (
    <Notice
      tone={job.stopped === null ? "flow" : "wait"}
      icon="again"
      title={jobTitle(job)}
      actions={
        hasEnded ? null : (
          <Button small changes onClick={() => stop(job)}>
            Stop
          </Button>
        )
      }
    >
      {job.total !== null && !hasEnded && (
        <progress max={Math.max(job.total, 1)} value={job.looked} aria-label="Progress of the replay" />
      )}
      <span>
        {jobSays(job)}
        {job.stopped !== null && ` ${shown(job.stopped)}`}
      </span>
    </Notice>
  )
}

/** One that ended so long ago, in ms, has been seen. */
const shownFor = 10 * 60_000

interface JobsProps {
  readonly isMeant: (job: Job) => boolean
}

/** Replays that run, and those that have just ended, where they were begun. */
export const Jobs = ({ isMeant }: JobsProps) => {
  const { value } = status
  if (value === null) return null
  const isRecent = ({ endedAt }: Job) => endedAt === null || value.at - endedAt < shownFor
  return (
    <>
      {value.jobs
        .filter((job) => isMeant(job) && isRecent(job))
        .map((job) => (
          <Running key={job.name} job={job} />
        ))}
    </>
  )
}
