import type { SettingsSection } from '../lib/settings';

/** What lies over the main window: the settings, the palette, the sheet of shortcuts, the introduction. */
class Ui {
  settings = $state(false);
  section = $state<SettingsSection>('general');
  /** The setting to show and focus first; '' is none. */
  setting = $state('');
  palette = $state(false);
  shortcuts = $state(false);
  firstRun = $state(false);

  openSettings(section: SettingsSection = 'general', setting = ''): void {
    this.palette = this.shortcuts = false;
    this.section = section;
    this.setting = setting;
    this.settings = true;
  }

  closeAll(): void {
    this.settings = this.palette = this.shortcuts = this.firstRun = false;
  }
}

export const ui = new Ui();
