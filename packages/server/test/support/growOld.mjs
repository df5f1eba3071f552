// Preloaded into a server by NODE_OPTIONS: has its memory grow on SIGUSR2, and says on standard
// error when somebody makes a buffer so large that V8 begins to collect what is old.
const megabyte = 1024 * 1024

const grow = () => {
  const held = []
  // Slowly, so that somebody who looks each second sees how small it was before.
  const timer = setInterval(() => {
    held.push(new ArrayBuffer(megabyte))
    if (held.length === 40) clearInterval(timer)
  }, 100)
}

globalThis.ArrayBuffer = new Proxy(ArrayBuffer, {
  construct: (target, args, made) => {
    if (args[0] > 64 * megabyte) process.stderr.write(`process ${process.pid} collects old memory\n`)
    return Reflect.construct(target, args, made)
  },
})

process.once("SIGUSR2", grow)
