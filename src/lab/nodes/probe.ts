/** Probes with real packets out of the network namespace that this process is in. I/O edge. */
import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { createConnection } from 'node:net';
import { greeter, type ProbeOutcome, type ProbeTask } from './place-protocol.js';

/** How a probe ended, but for the time it took. */
type Ending = Omit<ProbeOutcome, 'ms'>;

/** Pauses between datagrams: one that a busy machine lost is sent again. */
const UDP_INTERVAL_MS = 300;
const PING_INTERVAL_SECONDS = 0.3;
/** Errors of a connection that tell that its first packet arrived: nobody listens there. */
const ARRIVED: readonly string[] = ['ECONNREFUSED'];

/** Runs one probe. Never rejects. */
export async function probe(task: ProbeTask): Promise<ProbeOutcome> {
  const begin = performance.now();
  const ending = await PROBES[task.protocol](task);
  return { ...ending, ms: Math.round((performance.now() - begin) * 10) / 10 };
}

const PROBES: Readonly<Record<ProbeTask['protocol'], (task: ProbeTask) => Promise<Ending>>> = {
  tcp: probeTcp,
  udp: probeUdp,
  icmp: probeIcmp,
};

function probeTcp({ address, port, owner, timeoutMs }: ProbeTask): Promise<Ending> {
  return new Promise((resolve) => {
    const socket = createConnection({ host: address, port });
    let connected = false;
    let text = '';
    const end = (ending: Ending): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(ending);
    };
    const timer = setTimeout(
      () => end(connected ? { passes: true, detail: 'connected' } : TIMEOUT),
      timeoutMs,
    );
    socket.on('connect', () => (connected = true));
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      if (text.includes('\n')) end(answered(text, owner));
    });
    socket.on('end', () => end(answered(text, owner)));
    socket.on('error', (error: NodeJS.ErrnoException) => {
      end(connected ? { passes: true, detail: 'connected' } : failed(error));
    });
  });
}

function probeUdp({ address, port, owner, timeoutMs }: ProbeTask): Promise<Ending> {
  return new Promise((resolve) => {
    const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
    const end = (ending: Ending): void => {
      clearTimeout(timer);
      clearInterval(resend);
      socket.close();
      resolve(ending);
    };
    const send = (): void => {
      socket.send('?', (error) => {
        if (error !== null) end(failed(error));
      });
    };
    const timer = setTimeout(() => end(TIMEOUT), timeoutMs);
    const resend = setInterval(send, UDP_INTERVAL_MS);
    socket.on('message', (message) => end(answered(message.toString(), owner)));
    socket.on('error', (error) => end(failed(error)));
    // Connected, so that the kernel tells of ICMP errors.
    socket.connect(port, address, send);
  });
}

function probeIcmp({ address, timeoutMs }: ProbeTask): Promise<Ending> {
  const deadline = Math.max(1, Math.ceil(timeoutMs / 1000));
  const args = ['-n', '-q', '-c', '1', '-w', String(deadline), '-i', String(PING_INTERVAL_SECONDS)];
  return new Promise((resolve) => {
    const child = spawn('ping', [...args, address], { stdio: 'ignore' });
    child.once('error', (error) => resolve(failed(error)));
    child.once('close', (code) => resolve(code === 0 ? REPLY : TIMEOUT));
  });
}

const REPLY: Ending = { passes: true, detail: 'reply' };
const TIMEOUT: Ending = { passes: false, detail: 'timeout' };

/** A listener that is not ours has answered, too; one of ours that is somebody else has not. */
function answered(text: string, owner: string): Ending {
  const name = greeter(text);
  if (name === undefined || name === owner) return REPLY;
  return { passes: false, detail: `came out at ${name}` };
}

function failed(error: NodeJS.ErrnoException): Ending {
  const { code = error.message } = error;
  return ARRIVED.includes(code)
    ? { passes: true, detail: 'refused' }
    : { passes: false, detail: code };
}
