import { describe, expect, it } from 'vitest';
import { DeviceRoom } from '../../../main/engine/transformer/device-room.ts';

describe('DeviceRoom', () => {
  it('has no room unless somebody asks for it', () => {
    const room = new DeviceRoom();
    expect(room.take(1)).toBe(false);
    expect(room.take(0)).toBe(true);
    expect(room.clear()).toBe(false);
  });

  it('takes what fits, whole, and gives back', () => {
    const room = new DeviceRoom(100);
    expect([room.take(60), room.take(50), room.take(40)]).toEqual([true, false, true]);
    room.giveBack(60);
    expect(room.taken).toBe(40);
    expect([room.take(61), room.take(60)]).toEqual([false, true]);
  });

  it('moves everybody out at once, tells of it once, and lets nobody in again', () => {
    const told: string[] = [];
    const room = new DeviceRoom(100, () => told.push('cleared'));
    const resident = (name: string): { moveOut(): void } => ({
      moveOut() {
        told.push(name);
        room.leave(this);
      },
    });
    const gone = resident('gone before');
    for (const each of [resident('first'), gone, resident('second')]) room.settle(each);
    room.leave(gone);
    expect(room.clear()).toBe(true);
    expect(told).toEqual(['first', 'second', 'cleared']);
    expect(room.take(1)).toBe(false);
    expect(room.clear()).toBe(false);
    expect(told).toHaveLength(3);
  });
});
