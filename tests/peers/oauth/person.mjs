// Somebody in front of Chromium, with the keyboard alone. What they see is looked at: nothing may stick out of the window, what
// has the focus must be seen to have it, and the browser must have nothing to complain about.
import { chromium } from 'playwright-core';
import { assert, equal } from '../../node/peers/report.mjs';

/** A browser without its own sandbox, for tests run as root too. */
export const launch = () =>
    chromium.launch({ executablePath: process.env.DOORWARD_CHROMIUM ?? '/usr/bin/chromium', chromiumSandbox: false });

export class Person {
    complaints = [];

    /**
     * `origin` is whose pages are looked at, `person` who it is, as `name:password`; pictures go to `directory`, named after
     * `way`.
     */
    constructor(page, { way, dark = false, origin, directory, person = process.env.DOORWARD_PERSON }) {
        const [name, password] = person.split(/:(.*)/s);
        Object.assign(this, { page, way, dark, directory, name, password });
        // The provider's pages are its own affair.
        const complains = (where, what) => where.startsWith(`${origin}/`) && this.complaints.push(what);
        page.on('console', message => {
            const { url } = message.location();
            // An answer that says no is one of those that are looked at.
            const no = url === page.url() && /status of 4/.test(message.text());
            if (['error', 'warning'].includes(message.type()) && !no) complains(url, message.text());
        });
        page.on('requestfailed', request => complains(request.frame().url(), `${request.url()} cannot be loaded`));
    }

    go(url) {
        return this.page.goto(url);
    }

    /** Waits for the page with this heading, keeps a picture of it, and looks at what no picture is needed for. */
    async sees(heading, picture) {
        const { page } = this;
        await page.getByRole('heading', { level: 1, name: heading }).waitFor();
        await page.waitForLoadState('load');
        const looks = await page.evaluate(() => ({
            sticksOut: [...document.querySelectorAll('body *')]
                .filter(element => !element.closest('.visually-hidden'))
                .filter(element => element.getBoundingClientRect().right > document.documentElement.clientWidth + 1)
                .map(element => element.outerHTML.slice(0, 80)),
            scrolls: document.documentElement.scrollWidth > document.documentElement.clientWidth,
            ground: getComputedStyle(document.body).backgroundColor,
            icon: [...document.images].every(image => image.complete && image.naturalWidth > 0)
        }));
        await page.screenshot({ path: `${this.directory}/${this.way}-${picture}.png`, fullPage: true });
        equal([looks.sticksOut, looks.scrolls], [[], false], `${picture}: sticks out`);
        const [red] = looks.ground.match(/\d+/g).map(Number);
        assert(this.dark ? red < 60 : red > 200, `${picture}: ${looks.ground}`);
        assert(looks.icon, `${picture}: an image is missing`);
    }

    /** Presses Tab until this has the focus, which must show. */
    async reaches(what, selector) {
        const wanted = this.page.locator(selector).filter({ visible: true }).first();
        await wanted.waitFor();
        for (let presses = 0; presses < 60; presses += 1) {
            await this.page.keyboard.press('Tab');
            const here = await wanted.evaluate(element => {
                if (element !== document.activeElement) return undefined;
                const { outlineStyle, outlineWidth } = getComputedStyle(element);
                return { outlineStyle, outlineWidth };
            });
            if (!here) continue;
            const shows = here.outlineStyle !== 'none' && parseFloat(here.outlineWidth) >= 2;
            assert(shows, `${what} does not show that it has the focus: ${JSON.stringify(here)}`);
            return;
        }
        throw new Error(`Tab never comes to ${what}`);
    }

    async types(field, text) {
        await this.reaches(field, `input[name="${field}"]`);
        await this.page.keyboard.insertText(text);
    }

    async presses(button) {
        await this.reaches(button, `button:has-text("${button}"), a:has-text("${button}")`);
        await this.page.keyboard.press('Enter');
    }

    async signsIn() {
        await this.types('username', this.name);
        await this.types('password', this.password);
        await this.page.keyboard.press('Enter');
    }

    /** At somebody else's OpenID provider, whose pages are its own and which takes any password. */
    async signsInThere(name = this.name) {
        await this.page.locator('input[name="login"]').fill(name);
        await this.page.locator('input[name="password"]').fill('any');
        await this.page.keyboard.press('Enter');
        await this.page.getByRole('button', { name: 'Continue' }).click();
    }
}
